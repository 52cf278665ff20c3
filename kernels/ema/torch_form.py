"""The moving averages in plain torch: one triangular matrix product within chunks, a short recurrence across them.

The filter of a channel does not depend on time. Within a chunk it is therefore one Toeplitz matrix for all chunks and
rows, and a chunk passes on its averages at its end. In the sums, b is a row, k a chunk, i and j steps within it, c a
channel and n an average.
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
"""Steps per chunk."""


class Filter(NamedTuple):
    """How the inputs of a chunk, and the averages at its start, contribute to its outputs and final averages."""

    weight: Tensor
    """(c, n)."""
    powers: Tensor
    """(c, n, steps + 1): the decays to the power of 0, 1, ..."""
    within: Tensor
    """(c, i, j): from each input to each output."""
    read: Tensor
    """(c, n, i): from each average at the start to each output."""
    to_end: Tensor
    """(c, j, n): from each input to each average at the end."""


def checkpoint_steps(operands: Operands) -> int:
    return CHUNK


def forward(operands: Operands) -> tuple[Tensor, Tensor]:
    state, outputs, checkpoints = _zeros(operands), [], []
    for x in _parts(operands.x, operands.reverse):
        taps = _filter(operands, x.shape[2])
        starts, state = before_each(_over_chunk(taps, x), torch.einsum("bkjc,cjn->bkcn", x, taps.to_end), state)
        y = torch.einsum("bkjc,cij->bkic", x, taps.within) + torch.einsum("bkcn,cni->bkic", starts, taps.read)
        outputs.append(y)
        checkpoints.append(starts)
    return _join(outputs, operands.reverse), torch.cat(checkpoints, 1).mT.contiguous()


def backward(operands: Operands, checkpoints: Tensor, dy: Tensor) -> Gradients:
    dstate = _zeros(operands)
    ddecay, dweight, outputs = torch.zeros_like(operands.decay), torch.zeros_like(operands.weight), []
    parts = (*zip(_parts(operands.x, operands.reverse), _parts(dy, operands.reverse), strict=True),)
    starts = checkpoints.mT.split([x.shape[1] for x, _ in parts], 1)
    for (x, dy_part), start in reversed([*zip(parts, starts, strict=True)]):
        taps = _filter(operands, x.shape[2])
        direct = torch.einsum("bkic,cni->bkcn", dy_part, taps.read)
        dends, dstate = before_each_reversed(_over_chunk(taps, x), direct, dstate)
        dx = torch.einsum("bkic,cij->bkjc", dy_part, taps.within) + torch.einsum("bkcn,cjn->bkjc", dends, taps.to_end)
        of_part = _filter_backward(taps, x, dy_part, start, dends)
        ddecay, dweight = ddecay + of_part[0], dweight + of_part[1]
        outputs.append(dx)
    return _join(outputs[::-1], operands.reverse), ddecay, dweight


def _zeros(operands: Operands) -> Tensor:
    return operands.x.new_zeros(len(operands.x), *operands.decay.shape)


def _filter(operands: Operands, steps: int) -> Filter:
    decay, weight = operands.decay, operands.weight
    powers = decay[..., None] ** torch.arange(steps + 1, device=decay.device)
    lag = torch.arange(steps, device=decay.device)
    lag = lag[:, None] - lag
    kernel = torch.einsum("cn,cni->ci", weight, powers[..., :-1])
    within = torch.where(lag < 0, 0, kernel[:, lag.clamp(min=0)])
    return Filter(weight, powers, within, weight[..., None] * powers[..., 1:], powers[..., :-1].flip(2).mT)


def _filter_backward(taps: Filter, x: Tensor, dy: Tensor, starts: Tensor, dends: Tensor) -> tuple[Tensor, Tensor]:
    steps = x.shape[2]
    by_lag = _sums_by_lag(torch.einsum("bkic,bkjc->cij", dy, x))
    by_power = F.pad(by_lag, (0, 1))[:, None] + F.pad(torch.einsum("bkic,bkcn->cni", dy, starts), (1, 0))
    dweight = (by_power * taps.powers).sum(-1)
    to_end = torch.einsum("bkjc,bkcn->cnj", x, dends).flip(2)
    across = torch.einsum("bkcn,bkcn->cn", dends, starts)
    dpowers = taps.weight[..., None] * by_power + torch.cat((to_end, across[..., None]), 2)
    slopes = torch.arange(1, steps + 1, device=x.device) * taps.powers[..., :-1]
    return (dpowers[..., 1:] * slopes).sum(-1), dweight


def _sums_by_lag(pairs: Tensor) -> Tensor:
    """Sum (c, i, j) along its diagonals, (c, steps) for i - j = 0, 1, ...: each row is shifted by one more step."""
    steps = pairs.shape[1]
    skewed = F.pad(pairs.flip(2), (0, steps)).flatten(1)[:, :-steps].unflatten(1, (steps, -1))
    return skewed.sum(1)[:, steps - 1 :]


def _over_chunk(taps: Filter, x: Tensor) -> Tensor:
    """Return the decays over a chunk, repeated per chunk."""
    return taps.powers[..., -1].expand(1, x.shape[1], -1, -1)


def _parts(x: Tensor, reverse: bool) -> list[Tensor]:
    """Cut (batch, length, c), in the order of time, into whole chunks (b, k, i, c) and a last one with the rest."""
    x = x.flip(1) if reverse else x
    whole = x.shape[1] // CHUNK * CHUNK
    cut = (x[:, :whole].unflatten(1, (-1, CHUNK)), x[:, None, whole:])
    return [part for part in cut if part.numel()]


def _join(parts: list[Tensor], reverse: bool) -> Tensor:
    x = torch.cat([part.flatten(1, 2) for part in parts], 1)
    return x.flip(1) if reverse else x
