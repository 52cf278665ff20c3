"""The selective scan in Triton, forward: the states of 64 channels in the registers of one warp, step after step.

Channels run across the lanes and states within them, so the sum over states needs no exchange between lanes. Only one
state every few steps is written, from which the backward pass recomputes the others. If there are too few channels to
fill a GPU, the sequence is cut into segments, and a first pass computes the state at the end of each from a zero state;
the decay over a segment follows from the sum of its steps.
"""

from __future__ import annotations

from typing import Any

import torch
import triton
import triton.language as tl
from torch import Tensor

from ..linear_recurrence.torch_form import before_each
from ..native import as_rows
from ..triton_functions import LN_2, LOG2_E, sigmoid
from ..triton_launch import channels_per_program, launch, power_of_two, segment_steps, strides
from .operation import Operands, as_planes, as_states

CHUNK, COMPLEX_CHUNK = 8, 4
"""Steps between two states kept for the backward pass, which holds a chunk in registers."""
REGISTERS = 200
"""Maximum number of registers per thread: without a limit, the compiler spills a few to fit one more warp."""


def checkpoint_steps(operands: Operands) -> int:
    return COMPLEX_CHUNK if operands.A.is_complex() else CHUNK


@triton.jit
def step_size(delta, bias, mask, SOFTPLUS: tl.constexpr):
    """Return the step, zero if masked, and its derivative by `delta`."""
    given = delta + bias
    if SOFTPLUS:
        small = tl.exp2(-tl.abs(given) * LOG2_E)
        size = tl.maximum(given, 0.0) + tl.log2(1.0 + small) * LN_2
        slope = tl.where(given >= 0, 1.0, small) / (1.0 + small)
    else:
        size = given
        slope = given * 0 + 1.0
    return tl.where(mask, size, 0.0), slope


@triton.jit
def turn(size, exponent):
    """Return sine and cosine of an angle: the product of a step and the imaginary part of A times log2 e."""
    quarters = size * 0.4412712003053032 * exponent
    whole = tl.floor(quarters + 0.5)
    part = quarters - whole
    square = part * part
    odd_part = ((-0.004602163098752499 * square + 0.07968021929264069) * square - 0.6459634900093079) * square
    s = (odd_part + 1.5707963705062866) * part
    c = ((0.00090362987248227 * square - 0.02086007036268711) * square + 0.25366920232772827) * square
    c = (c - 1.2337005138397217) * square + 1.0
    half = tl.floor(whole * 0.5)
    odd = whole - 2.0 * half > 0.5
    sign = 1.0 - 2.0 * (half - 2.0 * tl.floor(half * 0.5))
    return tl.where(odd, c, s) * sign, tl.where(odd, -s, c) * sign


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
    COMPLEX: tl.constexpr,
    ENDS: tl.constexpr,
    STATES: tl.constexpr,
    CHANNELS: tl.constexpr,
    CHUNK: tl.constexpr,
):
    """Walk one segment from the states `carried` (batch, segments, planes, channels); replace them by those at its end.

    A COMPLEX state has two planes, its real and imaginary parts, in carried states, A, B and C. ENDS writes only the
    carried states and the `sums` of the steps (batch, segments, channels).
    """
    tiles, part = tl.cdiv(channels, CHANNELS), tl.program_id(1)
    tile, batch = tl.program_id(0) % tiles, (tl.program_id(0) // tiles).to(tl.int64)
    channel, n = tile * CHANNELS + tl.arange(0, CHANNELS), tl.arange(0, STATES)
    valid, alive = channel < channels, n < states
    PLANES: tl.constexpr = 2 if COMPLEX else 1
    small, mask = PLANES * n[:, None] * channels + channel, alive[:, None] & valid
    place = (batch * tl.num_programs(1) + part) * PLANES * states * channels
    exponent = tl.load(A + small, mask, 0.0)
    offset = tl.load(bias + channel, valid, 0.0) if HAS_BIAS else 0.0
    skip = tl.load(D + channel, valid, 0.0) if HAS_D else 0.0
    h = tl.load(carried + place + small, mask, 0.0)
    if COMPLEX:
        speed = tl.load(A + small + channels, mask, 0.0)
        h_im = tl.load(carried + place + small + channels, mask, 0.0)
    total = tl.zeros((CHANNELS,), tl.float32)
    first, end = part * segment, tl.minimum((part + 1) * segment, length)
    for start in range(first, end, CHUNK):
        if not ENDS:
            chunk = (batch * tl.cdiv(length, CHUNK) + start // CHUNK) * PLANES * states * channels
            tl.store(checkpoints + chunk + small, h, mask)
            if COMPLEX:
                tl.store(checkpoints + chunk + small + channels, h_im, mask)
        for t in range(start, tl.minimum(start + CHUNK, end)):
            x = tl.load(u + batch * u_batch + t * u_step + channel, valid, 0.0).to(tl.float32)
            size = tl.load(delta + batch * delta_batch + t * delta_step + channel, valid, 0.0).to(tl.float32)
            size, _ = step_size(size, offset, valid, SOFTPLUS)
            at_B, at_C = B + batch * B_batch + t * B_step + PLANES * n, C + batch * C_batch + t * C_step + PLANES * n
            b = tl.load(at_B, alive, 0.0).to(tl.float32)
            decay = tl.exp2(exponent * size)
            if COMPLEX:
                sine, cosine = turn(size, speed)
                b_im = tl.load(at_B + 1, alive, 0.0).to(tl.float32)
                re = decay * (cosine * h - sine * h_im)
                h_im = decay * (cosine * h_im + sine * h) + b_im[:, None] * (size * x)
                h = re + b[:, None] * (size * x)
            else:
                h = decay * h + b[:, None] * (size * x)
            if ENDS:
                total += size
            else:
                c = tl.load(at_C, alive, 0.0).to(tl.float32)
                read = h * c[:, None]
                if COMPLEX:
                    c_im = tl.load(at_C + 1, alive, 0.0).to(tl.float32)
                    read = 2.0 * (read - h_im * c_im[:, None])
                out = tl.sum(read, 0) + skip * x
                if HAS_Z:
                    gate = tl.load(z + batch * z_batch + t * z_step + channel, valid, 0.0).to(tl.float32)
                    out *= gate * sigmoid(gate)
                tl.store(y + (batch * length + t) * channels + channel, out.to(y.dtype.element_ty), valid)
    tl.store(carried + place + small, h, mask)
    if COMPLEX:
        tl.store(carried + place + small + channels, h_im, mask)
    if ENDS:
        tl.store(sums + (batch * tl.num_programs(1) + part) * channels + channel, total, valid)


def forward(operands: Operands) -> tuple[Tensor, Tensor, Tensor]:
    operands = in_rows(operands)
    batch, length, channels = operands.u.shape
    states, chunk = operands.A.shape[1], checkpoint_steps(operands)
    tile = channels_per_program(channels, *row_strides(operands))
    tiles = -(-channels // tile)
    segment = segment_steps(length, batch * tiles, chunk)
    parts = -(-length // segment)
    A = as_planes(operands.A) * LOG2_E.value
    y = operands.u.new_empty(operands.u.shape)
    checkpoints = operands.checkpoints(chunk)
    first = A.new_zeros(batch, *A.shape)
    if operands.initial_state is not None:
        first = as_planes(operands.initial_state)
    carried, sums = A.new_zeros(batch, parts, *A.shape), A.new_empty(batch, parts, channels)

    def over_segments(carried: Tensor, ends: bool) -> None:
        launch(
            scan,
            (tiles * batch, parts),
            *(operands.u, operands.delta, A, operands.B, operands.C, operands.D, operands.z, operands.delta_bias),
            *(y, checkpoints, carried, sums, *row_strides(operands), length, channels, states, segment),
            **flags(operands),
            ENDS=ends,
            CHANNELS=tile,
            num_warps=1,
            maxnreg=REGISTERS,
        )

    if parts > 1:
        over_segments(carried, True)
        decays = torch.exp(operands.A * sums[..., None])
        before, _ = before_each(decays, as_states(carried, decays), as_states(first, decays))
        carried = as_planes(before)
    else:
        carried[:, 0] = first
    over_segments(carried, False)
    return y, as_states(carried[:, -1], operands.A), checkpoints


def in_rows(operands: Operands) -> Operands:
    """Copy only rows whose last axis is not contiguous; make the other tensors contiguous."""
    rows = {name: as_rows(x) for name in ("u", "delta", "B", "C", "z") if (x := getattr(operands, name)) is not None}
    whole = {name: x.contiguous() for name in ("D", "delta_bias") if (x := getattr(operands, name)) is not None}
    return operands._replace(**rows, **whole)


def row_strides(operands: Operands) -> tuple[int, ...]:
    """Return the strides of batch and step of u, delta, B, C and z."""
    return strides(operands.u, operands.delta, operands.B, operands.C, operands.u if operands.z is None else operands.z)


def flags(operands: Operands) -> dict[str, Any]:
    return {
        "SOFTPLUS": operands.delta_softplus,
        "HAS_D": operands.D is not None,
        "HAS_Z": operands.z is not None,
        "HAS_BIAS": operands.delta_bias is not None,
        "COMPLEX": operands.A.is_complex(),
        "STATES": power_of_two(operands.A.shape[1]),
        "CHUNK": checkpoint_steps(operands),
    }
