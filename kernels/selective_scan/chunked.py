"""The selective scan in plain torch, a chunk of steps at a time, forward and backward by hand.

What does not depend on the state is done for the whole chunk at once, and the backward pass runs a chunk again
from the state at its start, so that memory grows with the chunk and not with the length. `torch.compile` makes
of a chunk a few fused loops; where it cannot, the same functions run as they stand.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F

from .operands import Gradients, Operands, as_planes, as_states, in_pairs, out_of_pairs

CHUNK = 16
"""Steps compiled together: each is written out, and the time to compile grows faster than their number."""


class Chunk(NamedTuple):
    """Steps of (batch, steps, ...) inputs after softplus, with A as (states, channels); A, B and C may be complex."""

    u: Tensor
    step: Tensor
    A: Tensor
    B: Tensor
    C: Tensor


Forward = Callable[[Chunk, Tensor], tuple[Tensor, Tensor]]
Backward = Callable[[Chunk, Tensor, Tensor, Tensor], tuple[Tensor, ...]]


def forward_chunk(chunk: Chunk, state: Tensor) -> tuple[Tensor, Tensor]:
    """Return the outputs of a chunk and the state (batch, states, channels) after it."""
    states = _states(chunk, state)
    return _read(chunk, torch.stack(states[1:], 1)), states[-1]


def backward_chunk(chunk: Chunk, state: Tensor, dy: Tensor, dstate: Tensor) -> tuple[Tensor, ...]:
    """Return the outputs again, and the gradients of u, step, A, B, C and of the state before the chunk."""
    u, step, A, B, C = chunk
    states = torch.stack(_states(chunk, state), 1)
    decay, reached = _decay(chunk), []
    back, dsum = decay.conj(), 2 * dy if A.is_complex() else dy
    for back_t, C_t, dsum_t in reversed([*zip(back.unbind(1), C.conj().unbind(1), dsum.unbind(1), strict=True)]):
        reached.append(dstate + C_t[..., None] * dsum_t[:, None])
        dstate = back_t * reached[-1]
    dstates = torch.stack(reached[::-1], 1)
    dinput = _real((dstates * B.conj()[..., None]).sum(2))
    dexponent = dstates * back * states[:, :-1].conj()
    dstep = _real((dexponent * A.conj()).sum(2)) + dinput * u
    dA = (dexponent * step[:, :, None]).sum((0, 1))
    dB = (dstates * (step * u)[:, :, None]).sum(3)
    dC = (states[:, 1:].conj() * dsum[:, :, None]).sum(3)
    y = _read(chunk, states[:, 1:])
    return y, dinput * step, dstep, dA, dB, dC, dstate


def _decay(chunk: Chunk) -> Tensor:
    return torch.exp(chunk.step[:, :, None] * chunk.A)


def _read(chunk: Chunk, states: Tensor) -> Tensor:
    """Return the outputs; a complex state stands for itself and its conjugate."""
    out = (states * chunk.C[..., None]).sum(2)
    return 2 * out.real if out.is_complex() else out


def _real(x: Tensor) -> Tensor:
    return x.real if x.is_complex() else x


def _states(chunk: Chunk, state: Tensor) -> list[Tensor]:
    """Return the state before the first step and after each."""
    inputs = (chunk.step * chunk.u)[:, :, None] * chunk.B[..., None]
    states = [state]
    for decay_t, input_t in zip(_decay(chunk).unbind(1), inputs.unbind(1), strict=True):
        states.append(decay_t * states[-1] + input_t)
    return states


def forward(operands: Operands, run: Forward = forward_chunk) -> tuple[Tensor, Tensor, Tensor]:
    """Return outputs, final state, and the state at the start of each chunk."""
    state = operands.initial_state
    state = operands.A.new_zeros(operands.state_shape) if state is None else state
    state, outputs, checkpoints = state.mT.contiguous(), [], []
    for chunk in _chunks(operands):
        checkpoints.append(as_planes(state.mT))
        y, state = run(chunk, state)
        outputs.append(y)
    y = _skipped(operands, torch.cat(outputs, 1))
    y = y if operands.z is None else y * F.silu(operands.z)
    return y, state.mT.clone(memory_format=torch.contiguous_format), torch.stack(checkpoints, 1)


def backward(
    operands: Operands, checkpoints: Tensor, dy: Tensor, dfinal: Tensor | None, run: Backward = backward_chunk
) -> Gradients:
    """Return the gradients of all operands."""
    u, z, D = operands.u, operands.z, operands.D
    dungated = dy if z is None else dy * F.silu(z)
    states = as_states(checkpoints, operands.A).mT.contiguous()
    dstate = torch.zeros_like(states[:, 0]) if dfinal is None else dfinal.mT.contiguous()
    parts, starts, slices = [], states.unbind(1), dungated.split(CHUNK, 1)
    for chunk, state, dy_chunk in reversed([*zip(_chunks(operands), starts, slices, strict=True)]):
        *part, dstate = run(chunk, state, dy_chunk, dstate)
        parts.append(part)
    y, du, dstep, dA, dB, dC = zip(*reversed(parts), strict=True)
    du, dB, dC = torch.cat(du, 1), torch.cat(dB, 1), torch.cat(dC, 1)
    ddelta = torch.cat(dstep, 1)
    if operands.delta_softplus:
        ddelta = ddelta * torch.sigmoid(_biased(operands))
    return Gradients(
        u=du if D is None else du + dungated * D,
        delta=ddelta,
        A=torch.stack(dA).sum(0).mT.clone(memory_format=torch.contiguous_format),
        B=out_of_pairs(dB),
        C=out_of_pairs(dC),
        D=None if D is None else (dungated * u).sum((0, 1)),
        z=None if z is None else dy * _skipped(operands, torch.cat(y, 1)) * _silu_slope(z),
        delta_bias=None if operands.delta_bias is None else ddelta.sum((0, 1)),
        initial_state=None
        if operands.initial_state is None
        else dstate.mT.clone(memory_format=torch.contiguous_format),
    )


def _chunks(operands: Operands) -> list[Chunk]:
    step = _biased(operands)
    step = F.softplus(step) if operands.delta_softplus else step
    A = operands.A.mT.contiguous()
    B, C = in_pairs(operands.B, A), in_pairs(operands.C, A)
    parts = (x.split(CHUNK, 1) for x in (operands.u, step, B, C))
    return [Chunk(u, step, A, B, C) for u, step, B, C in zip(*parts, strict=True)]


def _biased(operands: Operands) -> Tensor:
    return operands.delta if operands.delta_bias is None else operands.delta + operands.delta_bias


def _skipped(operands: Operands, y: Tensor) -> Tensor:
    return y if operands.D is None else y + operands.D * operands.u


def _silu_slope(z: Tensor) -> Tensor:
    gate = torch.sigmoid(z)
    return gate * (1 + z * (1 - gate))
