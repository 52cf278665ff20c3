"""The moving averages in Triton: the averages of 64 channels in the registers of one warp, one step after the other.

Channels lie across the lanes and averages within them, so that a step costs two instructions an average and no
exchange between lanes. Where there are too few channels to fill a GPU, the sequence is cut into segments: a first pass
finds what each makes of a zero state. The gradient of x is the same pass in the other direction; those of decay and
weight come from one more forward pass, which carries the derivative of each average by its decay beside it. Sums over
rows and segments are taken afterwards in a fixed order.
"""

from __future__ import annotations

import torch
import triton
import triton.language as tl
from torch import Tensor

from ..linear_recurrence import blocked
from ..triton_support import channels_a_program, launch, power_of_two, segment_steps
from .operands import Gradients, Operands

WARPS = 1
LEAST = 16
"""A segment is at least eight times these steps."""


@triton.jit
def _fetch(x, batch, t, length, channels, channel, REVERSE: tl.constexpr):
    """Return row `t` in the order of the walk, zeros beyond the last."""
    row = length - 1 - t if REVERSE else t
    at = (batch * length + row).to(tl.int64) * channels + channel
    return tl.load(x + at, (channel < channels) & (t < length), 0.0).to(tl.float32)


@triton.jit
def run(
    x,
    decay,
    weight,
    carried,
    y,
    last,
    length,
    channels,
    averages,
    segment,
    REVERSE: tl.constexpr,
    WEIGH_INPUT: tl.constexpr,
    AVERAGES: tl.constexpr,
    CHANNELS: tl.constexpr,
):
    """Walk a segment: ``h = carried + x``, ``carried = decay h``; write y and leave what is carried at the end.

    `carried` and `last` are (batch, segments, averages, channels); `last` takes the averages after the last step. The
    weights multiply what comes out, or what goes in.
    """
    tiles, part = tl.cdiv(channels, CHANNELS), tl.program_id(1)
    tile, batch = tl.program_id(0) % tiles, tl.program_id(0) // tiles
    channel, n = tile * CHANNELS + tl.arange(0, CHANNELS), tl.arange(0, AVERAGES)
    small = n[:, None] * channels + channel
    mask = (n < averages)[:, None] & (channel < channels)
    states = (batch * tl.num_programs(1) + part).to(tl.int64) * averages * channels
    q, w = tl.load(decay + small, mask, 0.0), tl.load(weight + small, mask, 0.0)
    c = tl.load(carried + states + small, mask, 0.0)
    h = c
    first, end = part * segment, tl.minimum((part + 1) * segment, length)
    coming = _fetch(x, batch, first, length, channels, channel, REVERSE)
    after = _fetch(x, batch, first + 1, length, channels, channel, REVERSE)
    for t in range(first, end):
        given, coming = coming, after
        after = _fetch(x, batch, t + 2, length, channels, channel, REVERSE)
        if WEIGH_INPUT:
            h = c + w * given
            out = tl.sum(h, 0)
        else:
            h = c + given
            out = tl.sum(w * h, 0)
        c = q * h
        row = length - 1 - t if REVERSE else t
        at = (batch * length + row).to(tl.int64) * channels + channel
        tl.store(y + at, out.to(y.dtype.element_ty), channel < channels)
    tl.store(last + states + small, h, mask)
    tl.store(carried + states + small, c, mask)


@triton.jit
def sensitivity(
    x,
    dy,
    decay,
    starts,
    slopes,
    ddecay,
    dweight,
    length,
    channels,
    averages,
    segment,
    REVERSE: tl.constexpr,
    AVERAGES: tl.constexpr,
    CHANNELS: tl.constexpr,
):
    """Walk a segment with the averages h and their derivatives r by the decay, ``r = decay r + h before``.

    From `starts` and `slopes`, (batch, segments, averages, channels), which are left at their values at the end; sums
    ``dy r`` into `ddecay`, still without the weight, and ``dy h`` into `dweight`.
    """
    tiles, part = tl.cdiv(channels, CHANNELS), tl.program_id(1)
    tile, batch = tl.program_id(0) % tiles, tl.program_id(0) // tiles
    channel, n = tile * CHANNELS + tl.arange(0, CHANNELS), tl.arange(0, AVERAGES)
    small = n[:, None] * channels + channel
    mask = (n < averages)[:, None] & (channel < channels)
    states = (batch * tl.num_programs(1) + part).to(tl.int64) * averages * channels
    q = tl.load(decay + small, mask, 0.0)
    h, r = tl.load(starts + states + small, mask, 0.0), tl.load(slopes + states + small, mask, 0.0)
    by_decay, by_weight = tl.zeros((AVERAGES, CHANNELS), tl.float32), tl.zeros((AVERAGES, CHANNELS), tl.float32)
    for t in range(part * segment, tl.minimum((part + 1) * segment, length)):
        given = _fetch(x, batch, t, length, channels, channel, REVERSE)
        back = _fetch(dy, batch, t, length, channels, channel, REVERSE)
        r = q * r + h
        h = q * h + given
        by_decay += back * r
        by_weight += back * h
    tl.store(starts + states + small, h, mask)
    tl.store(slopes + states + small, r, mask)
    tl.store(ddecay + states + small, by_decay, mask)
    tl.store(dweight + states + small, by_weight, mask)


def forward(operands: Operands) -> tuple[Tensor, Tensor, Tensor]:
    """Return outputs, final state, and the averages at the start of each segment."""
    initial = operands.initial_state
    initial = operands.x.new_zeros(operands.state_shape, dtype=torch.float32) if initial is None else initial
    y, last = _filter(operands, operands.x, operands.decay * initial, operands.reverse, weigh_input=False)
    return y, last[:, -1].mT.contiguous(), torch.cat((initial.mT[:, None], last[:, :-1]), 1)


def backward(operands: Operands, checkpoints: Tensor, dy: Tensor, dfinal: Tensor | None) -> Gradients:
    """Return the gradients of all operands."""
    dfinal = checkpoints.new_zeros(operands.state_shape) if dfinal is None else dfinal
    dx, last = _filter(operands, dy, dfinal, not operands.reverse, weigh_input=True)
    ddecay, dweight = _parameters(operands, checkpoints, dy, dfinal)
    dinitial = None if operands.initial_state is None else last[:, -1].mT * operands.decay
    return Gradients(dx, ddecay, dweight, dinitial)


def segment(operands: Operands) -> int:
    """Return the steps of the segments that the sequence is cut into."""
    batch, length, channels = operands.x.shape
    return segment_steps(length, batch * -(-channels // channels_a_program(channels)), LEAST)


def _filter(
    operands: Operands, x: Tensor, carried: Tensor, reverse: bool, *, weigh_input: bool
) -> tuple[Tensor, Tensor]:
    """Return outputs, and the averages after the last step of each segment (batch, segments, n, channels)."""
    x, decay, weight = x.contiguous(), operands.decay.mT.contiguous(), operands.weight.mT.contiguous()
    batch, length, channels = x.shape
    averages, steps = decay.shape[0], segment(operands)
    parts = -(-length // steps)
    y = torch.empty_like(x)
    starts = decay.new_zeros(batch, parts, averages, channels)
    last = torch.empty_like(starts)
    tile = channels_a_program(channels)
    grid = (-(-channels // tile) * batch, parts)

    def over_segments(state: Tensor) -> None:
        launch(
            run,
            grid,
            *(x, decay, weight, state, y, last, length, channels, averages, steps),
            REVERSE=reverse,
            WEIGH_INPUT=weigh_input,
            AVERAGES=power_of_two(averages),
            CHANNELS=tile,
            num_warps=WARPS,
        )

    first = carried.mT.contiguous()
    if parts > 1:
        over_segments(starts)
        over_segment = (decay**steps).expand(1, parts, -1, -1)
        after = blocked.forward(over_segment, starts, first, False)
        starts = torch.cat((first[:, None], after[:, :-1]), 1)
    else:
        starts[:, 0] = first
    over_segments(starts)
    return y, last


def _parameters(operands: Operands, checkpoints: Tensor, dy: Tensor, dfinal: Tensor) -> tuple[Tensor, Tensor]:
    """Return the gradients of decay and weight."""
    x, dy, decay = operands.x.contiguous(), dy.contiguous(), operands.decay.mT.contiguous()
    batch, length, channels = x.shape
    averages, steps = decay.shape[0], segment(operands)
    parts = -(-length // steps)
    slopes, ddecay, dweight = (
        torch.zeros_like(checkpoints),
        torch.empty_like(checkpoints),
        torch.empty_like(checkpoints),
    )
    tile = channels_a_program(channels)
    grid = (-(-channels // tile) * batch, parts)

    def over_segments(slopes: Tensor) -> None:
        launch(
            sensitivity,
            grid,
            *(x, dy, decay, checkpoints.clone(), slopes, ddecay, dweight, length, channels, averages, steps),
            REVERSE=operands.reverse,
            AVERAGES=power_of_two(averages),
            CHANNELS=tile,
            num_warps=WARPS,
        )

    if parts > 1:
        over_segments(slopes)
        after = blocked.forward((decay**steps).expand(1, parts, -1, -1), slopes, slopes[:, 0] * 0, False)
        slopes = torch.cat((slopes[:, :1] * 0, after[:, :-1]), 1)
    over_segments(slopes)
    total = (ddecay.sum(1) * operands.weight.mT + slopes[:, -1] * dfinal.mT).sum(0)
    return total.mT, dweight.sum((0, 1)).mT
