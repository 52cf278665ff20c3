"""The selective scan in Triton, forward: the states of 64 channels in the registers of one warp, step after step.

Channels lie across the lanes and states within them, so that the sum over states needs no exchange between lanes, and
nothing of size (batch, length, channels, states) is written but one state every few steps, from which the backward pass
runs again. Where there are too few channels to fill a GPU, the sequence is cut into segments, and a first pass finds
what each makes of a zero state; its decay is that of the sum of its steps.
"""

from __future__ import annotations

from typing import Any

import torch
import triton
import triton.language as tl
from torch import Tensor

from ..linear_recurrence import blocked
from ..native import as_rows
from ..triton_support import launch, power_of_two, segment_steps
from .operands import Operands

CHANNELS = 64
CHUNK = 16
"""Steps between two states kept for the backward pass, which holds a chunk in registers."""
REGISTERS = 200
"""At the most, a thread: left alone, the compiler spills a few to fit one more warp."""
LOG2_E = 1.4426950408889634


@triton.jit
def step_size(delta, bias, mask, SOFTPLUS: tl.constexpr):
    """Return the step, zero where masked, and its derivative by what came in."""
    given = delta + bias
    if SOFTPLUS:
        small = tl.exp2(-tl.abs(given) * 1.4426950408889634)
        size = tl.maximum(given, 0.0) + tl.log2(1.0 + small) * 0.6931471805599453
        slope = tl.where(given >= 0, 1.0, small) / (1.0 + small)
    else:
        size = given
        slope = given * 0 + 1.0
    return tl.where(mask, size, 0.0), slope


@triton.jit
def sigmoid(x):
    return 1.0 / (1.0 + tl.exp2(-x * 1.4426950408889634))


@triton.jit
def scan(
    u,
    delta,
    A,
    B,
    C,
    D,
    z,
    bias,
    y,
    checkpoints,
    carried,
    sums,
    u_batch,
    u_step,
    delta_batch,
    delta_step,
    B_batch,
    B_step,
    C_batch,
    C_step,
    z_batch,
    z_step,
    length,
    channels,
    states,
    segment,
    SOFTPLUS: tl.constexpr,
    HAS_D: tl.constexpr,
    HAS_Z: tl.constexpr,
    HAS_BIAS: tl.constexpr,
    ENDS: tl.constexpr,
    STATES: tl.constexpr,
    CHANNELS: tl.constexpr,
    CHUNK: tl.constexpr,
):
    """Walk one segment from the states `carried` (batch, segments, states, channels), and leave there those at its end.

    ENDS writes nothing else than those and the `sums` of the steps (batch, segments, channels).
    """
    tile, part, batch = tl.program_id(0), tl.program_id(1), tl.program_id(2).to(tl.int64)
    channel, n = tile * CHANNELS + tl.arange(0, CHANNELS), tl.arange(0, STATES)
    valid, alive = channel < channels, n < states
    small, mask = n[:, None] * channels + channel, alive[:, None] & valid
    place = (batch * tl.num_programs(1) + part) * states * channels
    exponent = tl.load(A + small, mask, 0.0)
    offset = tl.load(bias + channel, valid, 0.0) if HAS_BIAS else 0.0
    skip = tl.load(D + channel, valid, 0.0) if HAS_D else 0.0
    h = tl.load(carried + place + small, mask, 0.0)
    total = tl.zeros((CHANNELS,), tl.float32)
    first, end = part * segment, tl.minimum((part + 1) * segment, length)
    for start in range(first, end, CHUNK):
        if not ENDS:
            chunk = (batch * tl.cdiv(length, CHUNK) + start // CHUNK) * states * channels
            tl.store(checkpoints + chunk + small, h, mask)
        for t in range(start, tl.minimum(start + CHUNK, end)):
            x = tl.load(u + batch * u_batch + t * u_step + channel, valid, 0.0).to(tl.float32)
            size = tl.load(delta + batch * delta_batch + t * delta_step + channel, valid, 0.0).to(tl.float32)
            size, _ = step_size(size, offset, valid, SOFTPLUS)
            b = tl.load(B + batch * B_batch + t * B_step + n, alive, 0.0).to(tl.float32)
            h = tl.exp2(exponent * size) * h + b[:, None] * (size * x)
            if ENDS:
                total += size
            else:
                c = tl.load(C + batch * C_batch + t * C_step + n, alive, 0.0).to(tl.float32)
                out = tl.sum(h * c[:, None], 0) + skip * x
                if HAS_Z:
                    gate = tl.load(z + batch * z_batch + t * z_step + channel, valid, 0.0).to(tl.float32)
                    out *= gate * sigmoid(gate)
                tl.store(y + (batch * length + t) * channels + channel, out.to(y.dtype.element_ty), valid)
    tl.store(carried + place + small, h, mask)
    if ENDS:
        tl.store(sums + (batch * tl.num_programs(1) + part) * channels + channel, total, valid)


def forward(operands: Operands) -> tuple[Tensor, Tensor, Tensor]:
    """Return outputs, final state, and the state at the start of each chunk."""
    operands = in_rows(operands)
    batch, length, channels = operands.u.shape
    states, tiles = operands.A.shape[1], -(-channels // CHANNELS)
    segment = segment_steps(length, batch * tiles, CHUNK)
    parts = -(-length // segment)
    A = operands.A.mT.contiguous() * LOG2_E
    y = operands.u.new_empty(operands.u.shape)
    checkpoints = A.new_empty(operands.checkpoint_shape(CHUNK))
    first = A.new_zeros(batch, states, channels)
    if operands.initial_state is not None:
        first = operands.initial_state.mT.contiguous()
    carried, sums = A.new_zeros(batch, parts, states, channels), A.new_empty(batch, parts, channels)

    def over_segments(carried: Tensor, ends: bool) -> None:
        launch(
            scan,
            (tiles, parts, batch),
            *(operands.u, operands.delta, A, operands.B, operands.C, operands.D, operands.z, operands.delta_bias),
            *(y, checkpoints, carried, sums, *strides(operands), length, channels, states, segment),
            **flags(operands),
            ENDS=ends,
            CHANNELS=CHANNELS,
            num_warps=1,
            maxnreg=REGISTERS,
        )

    if parts > 1:
        over_segments(carried, True)
        after = blocked.forward(torch.exp2(A * sums[:, :, None]), carried, first, False)
        carried = torch.cat((first[:, None], after[:, :-1]), 1)
    else:
        carried[:, 0] = first
    over_segments(carried, False)
    return y, carried[:, -1].mT.contiguous(), checkpoints


def in_rows(operands: Operands) -> Operands:
    """Copy only the rows whose last axis is not contiguous, and give the rest their plain layout."""
    rows = {name: as_rows(x) for name in ("u", "delta", "B", "C", "z") if (x := getattr(operands, name)) is not None}
    whole = {name: x.contiguous() for name in ("D", "delta_bias") if (x := getattr(operands, name)) is not None}
    return operands._replace(**rows, **whole)


def strides(operands: Operands) -> tuple[int, ...]:
    """Return the strides of rows and steps of u, delta, B, C and z."""
    rows = (operands.u, operands.delta, operands.B, operands.C, operands.u if operands.z is None else operands.z)
    return tuple(stride for x in rows for stride in x.stride()[:2])


def flags(operands: Operands) -> dict[str, Any]:
    """Return what the kernels are compiled for."""
    return {
        "SOFTPLUS": operands.delta_softplus,
        "HAS_D": operands.D is not None,
        "HAS_Z": operands.z is not None,
        "HAS_BIAS": operands.delta_bias is not None,
        "STATES": power_of_two(operands.A.shape[1]),
        "CHUNK": CHUNK,
    }
