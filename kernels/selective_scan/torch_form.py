"""The selective scan in plain torch, a chunk of steps at a time, with a hand-written backward pass.

What does not depend on the state is computed for the whole chunk at once. The backward pass recomputes a chunk from the
state at its start, so memory grows with the chunk and not with the length. `torch.compile` turns a chunk into a few
fused loops; it is not used for float64 and complex states, nor once it has failed.
"""

from __future__ import annotations

import functools
import warnings
from collections.abc import Callable
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F

from ..paths import note
from ..registration import Gradients
from .operation import Operands, as_planes, as_states, in_pairs, out_of_pairs

CHUNK = 16
"""Steps compiled together: the graph contains each of them, and compile time grows faster than their number."""

SHAPES = 64
"""Maximum number of different shapes compiled in one process; beyond it, torch would silently stop compiling."""

compile_failures: list[str] = []
"""Why `torch.compile` failed in this process; it is not tried again."""


class Chunk(NamedTuple):
    """Inputs (batch, steps, ...) after softplus, and A as (states, channels); A, B and C may be complex."""

    u: Tensor
    step: Tensor
    A: Tensor
    B: Tensor
    C: Tensor


Forward = Callable[[Chunk, Tensor], tuple[Tensor, Tensor]]
Backward = Callable[[Chunk, Tensor, Tensor, Tensor], tuple[Tensor, ...]]


def checkpoint_steps(operands: Operands) -> int:
    return CHUNK


def forward(operands: Operands) -> tuple[Tensor, Tensor, Tensor]:
    return _run(over_chunks, forward_chunk, operands)


def backward(operands: Operands, checkpoints: Tensor, dy: Tensor, dfinal: Tensor | None) -> Gradients:
    return _run(back_over_chunks, backward_chunk, operands, checkpoints, dy, dfinal)


def _run(over_all: Callable[..., Any], chunk: Callable[..., Any], operands: Operands, *others: Any) -> Any:
    """Run a pass with compiled chunks if possible, else with plain ones; a failure to compile is reported once."""
    from torch._dynamo.exc import TorchDynamoException

    unsuitable = operands.u.dtype != torch.float32 or operands.A.is_complex()
    if unsuitable or torch._dynamo.config.disable or compile_failures:
        return over_all(operands, *others, chunk)
    try:
        with torch._dynamo.config.patch(recompile_limit=SHAPES, fail_on_recompile_limit_hit=True):
            found = over_all(operands, *others, compiled(chunk))
    except TorchDynamoException as error:
        compile_failures.append(str(error))
        warnings.warn(f"selective_scan runs slower, uncompiled: {error}", RuntimeWarning, stacklevel=2)
        return over_all(operands, *others, chunk)
    note("selective_scan", "torch.compile")
    return found


@functools.cache
def compiled(chunk: Callable[..., Any]) -> Callable[..., Any]:
    """Return a function of one chunk, compiled: this takes ten to twenty seconds at its first call."""
    return torch.compile(chunk, fullgraph=True, dynamic=False)


def forward_chunk(chunk: Chunk, state: Tensor) -> tuple[Tensor, Tensor]:
    """Return the outputs of a chunk and the state (batch, states, channels) after it."""
    states = _states(chunk, state)
    return _read(chunk, torch.stack(states[1:], 1)), states[-1]


def backward_chunk(chunk: Chunk, state: Tensor, dy: Tensor, dstate: Tensor) -> tuple[Tensor, ...]:
    """Return the outputs, and the gradients of u, step, A, B, C and of the state before the chunk."""
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
    """Return the outputs; a complex state represents itself and its conjugate."""
    out = (states * chunk.C[..., None]).sum(2)
    return 2 * out.real if out.is_complex() else out


def _real(x: Tensor) -> Tensor:
    return x.real if x.is_complex() else x


def _states(chunk: Chunk, state: Tensor) -> list[Tensor]:
    """Return the state before the first step, and after each step."""
    inputs = (chunk.step * chunk.u)[:, :, None] * chunk.B[..., None]
    states = [state]
    for decay_t, input_t in zip(_decay(chunk).unbind(1), inputs.unbind(1), strict=True):
        states.append(decay_t * states[-1] + input_t)
    return states


def over_chunks(operands: Operands, run: Forward) -> tuple[Tensor, Tensor, Tensor]:
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


def back_over_chunks(
    operands: Operands, checkpoints: Tensor, dy: Tensor, dfinal: Tensor | None, run: Backward
) -> Gradients:
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
    dA = torch.stack(dA).sum(0).mT
    dz = None
    if z is not None:
        gate = torch.sigmoid(z)
        dz = dy * _skipped(operands, torch.cat(y, 1)) * (gate * (1 + z * (1 - gate)))
    return (
        du if D is None else du + dungated * D,
        ddelta,
        dA,
        out_of_pairs(dB),
        out_of_pairs(dC),
        None if D is None else (dungated * u).sum((0, 1)),
        dz,
        None if operands.delta_bias is None else ddelta.sum((0, 1)),
        dstate.mT,
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
