"""The recurrence of matrix states in plain torch: matrix products within chunks, a short recurrence across them.

Within a chunk the decay from step j to step i is the exponential of a masked sum over the steps between them, never a
quotient of two running products, which would cancel or overflow for strong decays. Axes are
(batch, chunks, heads, steps, ...) throughout; the last axis of a decay has one entry, or n if each decays separately.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F

from ..linear_recurrence.torch_form import before_each, before_each_reversed
from ..registration import Gradients
from .operation import Operands

CHUNK = 64
"""Steps per chunk if a head has one decay: a product of (steps, steps) matrices replaces as many steps."""

CHUNK_BY_CHANNEL = 16
"""Steps per chunk if each entry decays separately: (steps, steps, n) decays are then written out."""


class Chunks(NamedTuple):
    """The operands cut into chunks, and the decays that follow from them."""

    x: Tensor
    B: Tensor
    C: Tensor
    between: Tensor
    """(..., steps, steps, 1 or n): decay from the second step to the first, zero if that goes back in time."""
    from_start: Tensor
    to_end: Tensor
    whole: Tensor
    """(..., 1, 1 or n): decay over the chunk."""


def checkpoint_steps(operands: Operands) -> int:
    """Return the steps between two checkpoints, which are those of a chunk."""
    return CHUNK_BY_CHANNEL if operands.by_channel else CHUNK


def forward(operands: Operands) -> tuple[Tensor, Tensor, Tensor]:
    chunks = _cut(operands)
    added = chunks.x.mT @ (chunks.B * chunks.to_end)
    initial = operands.initial_state
    initial = operands.x.new_zeros(operands.state_shape) if initial is None else initial
    starts, final = before_each(chunks.whole, added, initial)
    y = _scores(chunks) @ chunks.x + (chunks.C * chunks.from_start) @ starts.mT
    return _join(y, operands), final.clone(), starts


def backward(operands: Operands, starts: Tensor, dy: Tensor, dfinal: Tensor | None) -> Gradients:
    chunks, dy = _cut(operands), _split(dy, checkpoint_steps(operands))
    dfinal = torch.zeros_like(starts[:, 0]) if dfinal is None else dfinal
    read = chunks.C * chunks.from_start
    dends, dinitial = before_each_reversed(chunks.whole, dy.mT @ read, dfinal)

    dread = dy @ starts
    dwritten = chunks.x @ dends
    dB, dC, dbetween = _scores_backward(chunks, dy @ chunks.x.mT)
    dx = _scores(chunks).mT @ dy + (chunks.B * chunks.to_end) @ dends.mT
    by_end = dwritten * chunks.to_end * chunks.B
    across = (
        (dread * read).flip(3).cumsum(3).flip(3)
        + (by_end.cumsum(3) - by_end)
        + (dends * starts * chunks.whole).sum(3, keepdim=True)
    )
    dexponent = dbetween + (across if operands.by_channel else across.sum(-1, keepdim=True))
    return (
        _join(dx, operands),
        _join(dexponent if operands.by_channel else dexponent[..., 0], operands),
        _join(dB + dwritten * chunks.to_end, operands),
        _join(dC + dread * chunks.from_start, operands),
        dinitial.clone(),
    )


def _cut(operands: Operands) -> Chunks:
    """Cut all operands; past the end nothing is added and nothing decays, which leaves the state unchanged."""
    steps = checkpoint_steps(operands)
    x, B, C = (_split(tensor, steps) for tensor in (operands.x, operands.B, operands.C))
    log_decay = operands.log_decay if operands.by_channel else operands.log_decay[..., None]
    log_decay = _split(log_decay, steps)
    later = torch.ones(steps, steps, dtype=torch.bool, device=x.device).tril(-1)[..., None]
    # Entry (i, j) is the sum over the steps after j up to i.
    between = torch.where(later, log_decay.unsqueeze(4), 0).cumsum(3)
    between = between.masked_fill(later.transpose(0, 1), -torch.inf).exp()
    following = F.pad(log_decay[..., 1:, :], (0, 0, 0, 1)).flip(3).cumsum(3).flip(3)
    from_start = log_decay.cumsum(3).exp()
    return Chunks(x, B, C, between, from_start, following.exp(), from_start[..., -1:, :])


def _scores(chunks: Chunks) -> Tensor:
    """Return the weight with which each step reads each other step (..., steps, steps)."""
    if chunks.between.shape[-1] == 1:
        return (chunks.C @ chunks.B.mT) * chunks.between[..., 0]
    return torch.einsum("...in,...jn,...ijn->...ij", chunks.C, chunks.B, chunks.between)


def _scores_backward(chunks: Chunks, dscores: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Return the gradients of B, C and the exponent of each step's decay (..., steps, 1 or n)."""
    if chunks.between.shape[-1] == 1:
        weighted = dscores * chunks.between[..., 0]
        dB, dC = weighted.mT @ chunks.C, weighted @ chunks.B
        by_pair = (weighted * (chunks.C @ chunks.B.mT))[..., None]
    else:
        weighted = dscores[..., None] * chunks.between
        by_B, by_C = weighted * chunks.B.unsqueeze(3), weighted * chunks.C.unsqueeze(4)
        dB, dC, by_pair = by_C.sum(3), by_B.sum(4), by_B * chunks.C.unsqueeze(4)
    # A step's decay applies to all pairs of a step before it and one that is not before it.
    passing = by_pair.flip(3).cumsum(3).flip(3)
    steps = passing.shape[3]
    strictly = torch.ones(steps, steps, dtype=passing.dtype, device=passing.device).tril(-1)[..., None]
    return dB, dC, (passing * strictly).sum(4)


def _split(x: Tensor, steps: int) -> Tensor:
    """Reshape (batch, length, heads, ...) to (batch, chunks, heads, steps, ...), with zeros past the end."""
    missing = -x.shape[1] % steps
    return F.pad(x, (0, 0, 0, 0, 0, missing)).unflatten(1, (-1, steps)).transpose(2, 3)


def _join(x: Tensor, operands: Operands) -> Tensor:
    return x.transpose(2, 3).flatten(1, 2)[:, : operands.x.shape[1]].contiguous()
