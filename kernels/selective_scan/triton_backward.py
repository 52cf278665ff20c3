"""The selective scan in Triton, backward: a chunk of steps and 32 channels in registers, state by state.

For one state at a time, the chunk's decays and inputs are scanned along the steps within each lane: forward from the
state kept at its start, and back from the gradient left by the later chunk. The gradients of B and C are summed over
the lanes here and over the tiles of channels afterwards, in a fixed order and without atomics.

A lane must hold only one channel. If Triton knew that rows are aligned, one load would put several channels into a
lane, so the alignment is hidden from it.
"""

from __future__ import annotations

import torch
import triton
import triton.language as tl
from torch import Tensor
from torch.nn import functional as F

from ..linear_recurrence.torch_form import before_each_reversed
from ..registration import Gradients
from ..triton_functions import LN_2, LOG2_E, compose, compose_complex, reverse_rows, sigmoid
from ..triton_launch import launch, segment_steps
from .operation import Operands, as_planes, as_states
from .triton_forward import checkpoint_steps, flags, in_rows, row_strides, step_size, turn

CHANNELS = 32


@triton.jit
def _first(x, steps):
    return tl.sum(tl.where((steps == 0)[:, None], x, 0.0), 0)


@triton.jit(do_not_specialize_on_alignment=["u", "delta", "z", "dy", "du", "ddelta", "dz"])
def scan_backward(
    u,
    delta,
    A,
    B,
    C,
    D,
    z,
    bias,
    dy,
    checkpoints,
    carried,
    products,
    du,
    ddelta,
    dz,
    dA,
    dB,
    dC,
    dD,
    dbias,
    u_batch,
    u_step,
    delta_batch,
    delta_step,
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
    """Walk one segment back from the gradients `carried` of the state at its end; replace them by those at its start.

    `carried`, `products` and `dA` are (batch, segments, planes, channels), `B` and `C` (batch, planes, length), `dB`
    and `dC` (tiles, batch, planes, length), `dD` and `dbias` (batch, segments, channels); a COMPLEX state has two
    planes. ENDS writes only `carried` and `products`, the decays from the first step of the segment to the step after
    its last.
    """
    tiles, part = tl.cdiv(channels, CHANNELS), tl.program_id(1)
    tile, batch = tl.program_id(0) % tiles, (tl.program_id(0) // tiles).to(tl.int64)
    channel, steps = tile * CHANNELS + tl.arange(0, CHANNELS), tl.arange(0, CHUNK)
    valid = channel < channels
    PLANES: tl.constexpr = 2 if COMPLEX else 1
    planes = PLANES * states
    at = batch * tl.num_programs(1) + part
    line = batch * planes * length
    tiled = (tile * (tl.num_programs(0) // tiles) + batch) * planes * length
    offset = tl.load(bias + channel, valid, 0.0) if HAS_BIAS else 0.0
    skip = tl.load(D + channel, valid, 0.0) if HAS_D else 0.0
    by_skip, by_bias = tl.zeros((CHANNELS,), tl.float32), tl.zeros((CHANNELS,), tl.float32)
    first, end = part * segment, tl.minimum((part + 1) * segment, length)
    for back in range(0, tl.cdiv(end - first, CHUNK)):
        start = first + (tl.cdiv(end - first, CHUNK) - 1 - back) * CHUNK
        t = start + steps
        mask = (t < end)[:, None] & valid
        x = tl.load(u + batch * u_batch + (t[:, None] * u_step + channel), mask, 0.0).to(tl.float32)
        pre = delta + batch * delta_batch + (t[:, None] * delta_step + channel)
        size, _ = step_size(tl.load(pre, mask, 0.0).to(tl.float32), offset, mask, SOFTPLUS)
        follows = (t + 1 < length)[:, None] & mask
        next_size, _ = step_size(tl.load(pre + delta_step, follows, 0.0).to(tl.float32), offset, follows, SOFTPLUS)
        row, wide = batch * length * channels, t[:, None] * channels + channel
        dout = tl.load(dy + row + wide, mask, 0.0).to(tl.float32)
        if HAS_Z:
            gates = z + batch * z_batch + (t[:, None] * z_step + channel)
            opened = tl.load(gates, mask, 0.0).to(tl.float32)
            dout *= opened * sigmoid(opened)
        out, dinput, dsize, put = skip * x, tl.zeros_like(x), tl.zeros_like(x), size * x
        chunk = (batch * tl.cdiv(length, CHUNK) + start // CHUNK) * planes * channels
        for n in range(0, planes, PLANES):
            place = (at * planes + n) * channels + channel
            exponent = tl.load(A + n * channels + channel, valid, 0.0)
            c = tl.load(C + line + n * length + t, t < end, 0.0).to(tl.float32)
            decays, later = tl.exp2(next_size * exponent), tl.load(carried + place, valid, 0.0)
            if COMPLEX:
                speed = tl.load(A + (n + 1) * channels + channel, valid, 0.0)
                c_im = tl.load(C + line + (n + 1) * length + t, t < end, 0.0).to(tl.float32)
                later_im = tl.load(carried + place + channels, valid, 0.0)
                sine, cosine = turn(next_size, speed)
                decays, decays_im, g, g_im = tl.associative_scan(
                    (
                        reverse_rows(decays * cosine, CHUNK, CHANNELS),
                        reverse_rows(-decays * sine, CHUNK, CHANNELS),
                        reverse_rows(2.0 * dout * c[:, None], CHUNK, CHANNELS),
                        reverse_rows(-2.0 * dout * c_im[:, None], CHUNK, CHANNELS),
                    ),
                    0,
                    compose_complex,
                )
                decays, decays_im = reverse_rows(decays, CHUNK, CHANNELS), reverse_rows(decays_im, CHUNK, CHANNELS)
                g, g_im = reverse_rows(g, CHUNK, CHANNELS), reverse_rows(g_im, CHUNK, CHANNELS)
                g += decays * later - decays_im * later_im
                g_im += decays * later_im + decays_im * later
                tl.store(carried + place + channels, _first(g_im, steps), valid)
            else:
                asked = reverse_rows(dout * c[:, None], CHUNK, CHANNELS)
                decays, g = tl.associative_scan((reverse_rows(decays, CHUNK, CHANNELS), asked), 0, compose)
                decays, g = reverse_rows(decays, CHUNK, CHANNELS), reverse_rows(g, CHUNK, CHANNELS)
                g += decays * later
            tl.store(carried + place, _first(g, steps), valid)
            if ENDS:
                product, by = tl.load(products + place, valid, 0.0), _first(decays, steps)
                if COMPLEX:
                    product_im = tl.load(products + place + channels, valid, 0.0)
                    by_im = _first(decays_im, steps)
                    tl.store(products + place + channels, product * by_im + product_im * by, valid)
                    tl.store(products + place, product * by - product_im * by_im, valid)
                else:
                    tl.store(products + place, product * by, valid)
            elif COMPLEX:
                b = tl.load(B + line + n * length + t, t < end, 0.0).to(tl.float32)
                b_im = tl.load(B + line + (n + 1) * length + t, t < end, 0.0).to(tl.float32)
                tl.store(dB + tiled + n * length + t, tl.sum(g * put, 1), t < end)
                tl.store(dB + tiled + (n + 1) * length + t, tl.sum(g_im * put, 1), t < end)
                dinput += g * b[:, None] + g_im * b_im[:, None]
                sine, cosine = turn(size, speed)
                decays = tl.exp2(size * exponent)
                decays, decays_im, h, h_im = tl.associative_scan(
                    (decays * cosine, decays * sine, put * b[:, None], put * b_im[:, None]), 0, compose_complex
                )
                before = tl.load(checkpoints + chunk + n * channels + channel, valid, 0.0)
                before_im = tl.load(checkpoints + chunk + (n + 1) * channels + channel, valid, 0.0)
                h += decays * before - decays_im * before_im
                h_im += decays * before_im + decays_im * before
                tl.store(dC + tiled + n * length + t, tl.sum(2.0 * dout * h, 1), t < end)
                tl.store(dC + tiled + (n + 1) * length + t, tl.sum(-2.0 * dout * h_im, 1), t < end)
                if HAS_Z:
                    out += 2.0 * (h * c[:, None] - h_im * c_im[:, None])
                h -= put * b[:, None]
                h_im -= put * b_im[:, None]
                decayed, decayed_im = g * h + g_im * h_im, g_im * h - g * h_im
                dsize += (decayed * exponent + decayed_im * speed) * LN_2
                by_A = tl.load(dA + place, valid, 0.0) + tl.sum(decayed * size, 0)
                tl.store(dA + place, by_A, valid)
                by_A = tl.load(dA + place + channels, valid, 0.0) + tl.sum(decayed_im * size, 0)
                tl.store(dA + place + channels, by_A, valid)
            else:
                b = tl.load(B + line + n * length + t, t < end, 0.0).to(tl.float32)
                added = put * b[:, None]
                decays, h = tl.associative_scan((tl.exp2(size * exponent), added), 0, compose)
                h += decays * tl.load(checkpoints + chunk + n * channels + channel, valid, 0.0)
                tl.store(dC + tiled + n * length + t, tl.sum(dout * h, 1), t < end)
                tl.store(dB + tiled + n * length + t, tl.sum(g * put, 1), t < end)
                dinput += g * b[:, None]
                if HAS_Z:
                    out += h * c[:, None]
                decayed = g * (h - added)
                dsize += decayed * (exponent * LN_2)
                by_A = tl.load(dA + place, valid, 0.0) + tl.sum(decayed * size, 0)
                tl.store(dA + place, by_A, valid)
        if not ENDS:
            # What the loop does not need is loaded again: together with the rest it would not fit in registers.
            x = tl.load(u + batch * u_batch + (t[:, None] * u_step + channel), mask, 0.0).to(tl.float32)
            tl.store(du + row + wide, (dinput * size + dout * skip).to(du.dtype.element_ty), mask)
            _, slope = step_size(tl.load(pre, mask, 0.0).to(tl.float32), offset, mask, SOFTPLUS)
            back_in = tl.where(mask, (dsize + dinput * x) * slope, 0.0)
            tl.store(ddelta + row + wide, back_in.to(ddelta.dtype.element_ty), mask)
            by_bias += tl.sum(back_in, 0)
            by_skip += tl.sum(dout * x, 0)
            if HAS_Z:
                opened = tl.load(gates, mask, 0.0).to(tl.float32)
                gate = sigmoid(opened)
                dgate = tl.load(dy + row + wide, mask, 0.0).to(tl.float32) * out * gate * (1.0 + opened * (1.0 - gate))
                tl.store(dz + row + wide, dgate.to(dz.dtype.element_ty), mask)
    if not ENDS:
        tl.store(dD + at * channels + channel, by_skip, valid)
        tl.store(dbias + at * channels + channel, by_bias, valid)


def backward(operands: Operands, checkpoints: Tensor, dy: Tensor, dfinal: Tensor | None) -> Gradients:
    operands, dy = in_rows(operands), dy.contiguous()
    batch, length, channels = operands.u.shape
    states, tiles = operands.A.shape[1], -(-channels // CHANNELS)
    segment = segment_steps(length, batch * tiles, checkpoint_steps(operands))
    parts = -(-length // segment)
    A = as_planes(operands.A) * LOG2_E.value
    du, ddelta = (x.new_empty(x.shape) for x in (operands.u, operands.delta))
    dz = None if operands.z is None else operands.z.new_empty(operands.z.shape)
    dA = A.new_zeros(batch, parts, *A.shape)
    B, C = (x.mT.contiguous() for x in (operands.B, operands.C))  # a chunk's steps side by side
    dB, dC = (A.new_empty(tiles, *B.shape) for _ in range(2))
    dD, dbias = (A.new_empty(batch, parts, channels) for _ in range(2))
    carried, products = torch.zeros_like(dA), as_planes(torch.ones_like(operands.A).expand(batch, parts, -1, -1))

    u_delta_z = row_strides(operands)[:4] + row_strides(operands)[-2:]

    def over_segments(carried: Tensor, ends: bool) -> None:
        launch(
            scan_backward,
            (tiles * batch, parts),
            *(operands.u, operands.delta, A, B, C, operands.D, operands.z, operands.delta_bias),
            *(dy, checkpoints, carried, products, du, ddelta, dz, dA, dB, dC, dD, dbias),
            *(*u_delta_z, length, channels, states, segment),
            **flags(operands),
            ENDS=ends,
            CHANNELS=CHANNELS,
            num_warps=1,
        )

    last = torch.zeros_like(dA[:, 0]) if dfinal is None else as_planes(dfinal)
    if parts > 1:
        over_segments(carried, True)
        decays, ends, first = (as_states(x, operands.A) for x in (products, carried, last))
        before, _ = before_each_reversed(decays, ends, first)
        carried = as_planes(before)
    else:
        carried[:, 0] = last
    over_segments(carried, False)
    return (
        du,
        ddelta,
        as_states(dA.sum((0, 1)), operands.A),
        dB.sum(0).mT.to(operands.B.dtype),
        dC.sum(0).mT.to(operands.C.dtype),
        dD.sum((0, 1)),
        dz,
        dbias.sum((0, 1)),
        None if operands.initial_state is None else _through_first_step(operands, carried[:, 0]),
    )


def _through_first_step(operands: Operands, dstate: Tensor) -> Tensor:
    """Return the gradient of the state before the first step, given that of the state after it."""
    size = operands.delta[:, 0].float()
    size = size if operands.delta_bias is None else size + operands.delta_bias
    size = F.softplus(size) if operands.delta_softplus else size
    return as_states(dstate, operands.A) * torch.exp(size[..., None] * operands.A).conj()
