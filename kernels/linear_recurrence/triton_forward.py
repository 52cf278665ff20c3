"""The linear recurrence in Triton: tiles of (steps, channels) in registers, scanned along the steps.

One warp takes 32 channels of a row and walks along its steps, or along a segment of them if there are too few channels
to fill a GPU: a first pass then computes the state at the end of each segment from a zero state. The backward pass is
the same walk in the other direction over decays one step later. No program waits for another and no sum is taken
across programs, so the result does not depend on their schedule.
"""

from __future__ import annotations

import torch
import triton
import triton.language as tl
from torch import Tensor

from ..precision import accumulator
from ..triton_functions import compose, compose_complex
from ..triton_launch import launch, segment_steps
from .operation import Operands
from .torch_form import before_each

STEPS = 16
CHANNELS = 32
WARPS = 1


@triton.jit
def _row(x, at, mask, other, COMPLEX: tl.constexpr):
    """Return the real and the imaginary parts; for a real array, the same twice."""
    if COMPLEX:
        return tl.load(x + 2 * at, mask, other).to(tl.float32), tl.load(x + 2 * at + 1, mask, 0.0).to(tl.float32)
    re = tl.load(x + at, mask, other).to(tl.float32)
    return re, re


@triton.jit
def _write(x, at, re, im, mask, COMPLEX: tl.constexpr):
    if COMPLEX:
        tl.store(x + 2 * at, re.to(x.dtype.element_ty), mask)
        tl.store(x + 2 * at + 1, im.to(x.dtype.element_ty), mask)
    else:
        tl.store(x + at, re.to(x.dtype.element_ty), mask)


@triton.jit
def _last(x, steps, STEPS: tl.constexpr):
    return tl.sum(tl.where(steps[:, None] == STEPS - 1, x, 0.0), 0)


@triton.jit
def walk(
    a,
    b,
    kept,
    initial,
    written,
    da,
    starts,
    products,
    length,
    channels,
    segment,
    REVERSE: tl.constexpr,
    BACKWARD: tl.constexpr,
    ENDS: tl.constexpr,
    HAS_INITIAL: tl.constexpr,
    COMPLEX: tl.constexpr,
    STEPS: tl.constexpr,
    CHANNELS: tl.constexpr,
):
    """Walk along one segment from `starts` and write every state; with ENDS, from zeros, and write only the last one.

    BACKWARD walks back over the gradients `b` of the states `kept`, with the decay of the following step, and writes
    `da`.
    """
    tiles, part = tl.cdiv(channels, CHANNELS), tl.program_id(1)
    tile, batch = tl.program_id(0) % tiles, tl.program_id(0) // tiles
    channel = tile * CHANNELS + tl.arange(0, CHANNELS)
    valid = channel < channels
    steps = tl.arange(0, STEPS)
    at_start = (batch * tl.num_programs(1) + part) * channels + channel
    if ENDS:
        h_re, h_im = tl.zeros((CHANNELS,), tl.float32), tl.zeros((CHANNELS,), tl.float32)
    else:
        h_re, h_im = _row(starts, at_start, valid, 0.0, COMPLEX)
    p_re, p_im = tl.full((CHANNELS,), 1.0, tl.float32), tl.zeros((CHANNELS,), tl.float32)
    for first in range(part * segment, tl.minimum((part + 1) * segment, length), STEPS):
        walked = first + steps
        order = length - 1 - walked if BACKWARD else walked  # position in the order of the forward walk
        row = length - 1 - order if REVERSE else order
        forth = -1 if REVERSE else 1
        at = (batch * length + row)[:, None].to(tl.int64) * channels + channel
        mask = (walked < length)[:, None] & valid
        if BACKWARD:
            later = (walked > 0)[:, None] & mask
            a_re, a_im = _row(a, at + forth * channels, later, 0.0, COMPLEX)
            a_re = tl.where((walked < length)[:, None], a_re, 1.0)
            a_im = -a_im
        else:
            a_re, a_im = _row(a, at, mask, 1.0, COMPLEX)
        b_re, b_im = _row(b, at, mask, 0.0, COMPLEX)
        if COMPLEX:
            a_re, a_im, b_re, b_im = tl.associative_scan((a_re, a_im, b_re, b_im), 0, compose_complex)
            out_re = a_re * h_re - a_im * h_im + b_re
            out_im = a_re * h_im + a_im * h_re + b_im
            h_im = _last(out_im, steps, STEPS)
        else:
            a_re, b_re = tl.associative_scan((a_re, b_re), 0, compose)
            out_re = a_re * h_re + b_re
            out_im = out_re
        h_re = _last(out_re, steps, STEPS)
        if ENDS:
            q_re, q_im = _last(a_re, steps, STEPS), _last(a_im, steps, STEPS)
            if COMPLEX:
                p_re, p_im = p_re * q_re - p_im * q_im, p_re * q_im + p_im * q_re
            else:
                p_re = p_re * q_re
        else:
            _write(written, at, out_re, out_im, mask, COMPLEX)
            if BACKWARD:
                earlier = (order > 0)[:, None] & mask
                s_re, s_im = _row(kept, at - forth * channels, earlier, 0.0, COMPLEX)
                if HAS_INITIAL:
                    i_re, i_im = _row(initial, batch * channels + channel, valid, 0.0, COMPLEX)
                    s_re = tl.where((order == 0)[:, None], i_re, s_re)
                    s_im = tl.where((order == 0)[:, None], i_im, s_im)
                if COMPLEX:
                    _write(da, at, out_re * s_re + out_im * s_im, out_im * s_re - out_re * s_im, mask, COMPLEX)
                else:
                    _write(da, at, out_re * s_re, s_re, mask, COMPLEX)
    if ENDS:
        _write(starts, at_start, h_re, h_im, valid, COMPLEX)
        _write(products, at_start, p_re, p_im, valid, COMPLEX)


def forward(operands: Operands) -> Tensor:
    h = torch.empty_like(operands.b, memory_format=torch.contiguous_format)
    over_segments(operands, operands.b, h)
    return h


def over_segments(
    operands: Operands, b: Tensor, written: Tensor, kept: Tensor | None = None, da: Tensor | None = None
) -> None:
    """Walk along all segments and write the states; given the states `kept`, walk back and write `da` too."""
    a, _, initial, reverse = operands
    a, b = plain(a), plain(b)
    kept, initial = (None if x is None else plain(x) for x in (kept, initial))
    batch, length, channels = b.shape
    tiles = -(-channels // CHANNELS)
    segment = segment_steps(length, batch * tiles, STEPS)
    parts, backward = -(-length // segment), kept is not None
    starts = b.new_zeros(batch, parts, channels, dtype=accumulator(b.dtype))
    products = torch.empty_like(starts)
    initial = None if initial is None else initial.to(starts.dtype)

    def run(ends: bool) -> None:
        tensors = (_real_view(x) for x in (a, b, kept, initial, written, da, starts, products))
        launch(
            walk,
            (tiles * batch, parts),
            *tensors,
            length,
            channels,
            segment,
            REVERSE=reverse,
            BACKWARD=backward,
            ENDS=ends,
            HAS_INITIAL=initial is not None,
            COMPLEX=b.is_complex(),
            STEPS=STEPS,
            CHANNELS=CHANNELS,
            num_warps=WARPS,
        )

    first = torch.zeros_like(starts[:, 0]) if initial is None or backward else initial
    if parts > 1:
        run(ends=True)
        starts, _ = before_each(products, starts, first)
    else:
        starts[:, 0] = first
    run(ends=False)


def plain(x: Tensor) -> Tensor:
    return x.contiguous().resolve_conj()


def _real_view(x: Tensor | None) -> Tensor | None:
    return torch.view_as_real(x) if x is not None and x.is_complex() else x
