"""The moving averages in Triton: the averages of 64 channels in the registers of one warp, step after step.

Channels run across the lanes and averages within them, so a step costs two instructions per average and no exchange
between lanes. If there are too few channels to fill a GPU, the sequence is cut into segments: a first pass computes the
averages at the end of each from zero averages.
"""

from __future__ import annotations

import torch
import triton
import triton.language as tl
from torch import Tensor

from ..linear_recurrence.torch_form import before_each
from ..triton_launch import channels_per_program, launch, power_of_two, segment_steps
from .operation import Operands

WARPS = 1
SHORTEST = 16
"""A segment has at least eight times this number of steps."""


@triton.jit
def fetch(x, batch, t, length, channels, channel, REVERSE: tl.constexpr):
    """Return row `t` in the order of the walk, zeros after the last."""
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
    """Walk a segment: ``h = carried + x``, ``carried = decay h``; write y, and leave `carried` at its value at the end.

    `carried` and `last` are (batch, segments, averages, channels); `last` receives the averages after the last step.
    The weights multiply the outputs, or with WEIGH_INPUT the inputs.
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
    coming = fetch(x, batch, first, length, channels, channel, REVERSE)
    after = fetch(x, batch, first + 1, length, channels, channel, REVERSE)
    for t in range(first, end):
        given, coming = coming, after
        after = fetch(x, batch, t + 2, length, channels, channel, REVERSE)
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


def checkpoint_steps(operands: Operands) -> int:
    """Return the steps between two checkpoints, which are the segments that the sequence is cut into."""
    batch, length, channels = operands.x.shape
    return segment_steps(length, batch * -(-channels // channels_per_program(channels)), SHORTEST)


def forward(operands: Operands) -> tuple[Tensor, Tensor]:
    """Return the outputs, and the averages at the start of each segment."""
    y, last = over_segments(operands, operands.x, operands.reverse, weigh_input=False)
    return y, torch.cat((torch.zeros_like(last[:, :1]), last[:, :-1]), 1)


def over_segments(operands: Operands, x: Tensor, reverse: bool, *, weigh_input: bool) -> tuple[Tensor, Tensor]:
    """Return the outputs, and the averages after the last step of each segment (batch, segments, n, channels)."""
    x, decay, weight = x.contiguous(), operands.decay.mT.contiguous(), operands.weight.mT.contiguous()
    batch, length, channels = x.shape
    averages, steps = decay.shape[0], checkpoint_steps(operands)
    parts = -(-length // steps)
    y = torch.empty_like(x)
    starts = decay.new_zeros(batch, parts, averages, channels)
    last = torch.empty_like(starts)
    tile = channels_per_program(channels)

    def run_all(carried: Tensor) -> None:
        launch(
            run,
            (-(-channels // tile) * batch, parts),
            *(x, decay, weight, carried, y, last, length, channels, averages, steps),
            REVERSE=reverse,
            WEIGH_INPUT=weigh_input,
            AVERAGES=power_of_two(averages),
            CHANNELS=tile,
            num_warps=WARPS,
        )

    if parts > 1:
        run_all(starts)
        starts, _ = before_each((decay**steps).expand(1, parts, -1, -1), starts, torch.zeros_like(starts[:, 0]))
    run_all(starts)
    return y, last
