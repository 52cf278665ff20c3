"""The moving averages in Triton, backward.

The gradient of x is the pass of `triton_forward` in the other direction. Those of decay and weight come from one more
forward pass, which also carries the derivative of each average by its decay. Sums over rows and segments are taken
afterwards in a fixed order.
"""

from __future__ import annotations

import torch
import triton
import triton.language as tl
from torch import Tensor

from ..linear_recurrence.torch_form import before_each
from ..registration import Gradients
from ..triton_launch import channels_per_program, launch, power_of_two
from .operation import Operands
from .triton_forward import WARPS, checkpoint_steps, fetch, over_segments


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
    """Walk a segment with the averages h and their derivatives r by the decay, ``r = decay r + previous h``.

    Starts from `starts` and `slopes`, (batch, segments, averages, channels), and leaves them at their values at the
    end. Sums ``dy r`` into `ddecay`, still without the weight, and ``dy h`` into `dweight`.
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
        given = fetch(x, batch, t, length, channels, channel, REVERSE)
        back = fetch(dy, batch, t, length, channels, channel, REVERSE)
        r = q * r + h
        h = q * h + given
        by_decay += back * r
        by_weight += back * h
    tl.store(starts + states + small, h, mask)
    tl.store(slopes + states + small, r, mask)
    tl.store(ddecay + states + small, by_decay, mask)
    tl.store(dweight + states + small, by_weight, mask)


def backward(operands: Operands, checkpoints: Tensor, dy: Tensor) -> Gradients:
    dx, _ = over_segments(operands, dy, not operands.reverse, weigh_input=True)
    x, dy, decay = operands.x.contiguous(), dy.contiguous(), operands.decay.mT.contiguous()
    batch, length, channels = x.shape
    averages, steps = decay.shape[0], checkpoint_steps(operands)
    parts = -(-length // steps)
    slopes, ddecay, dweight = torch.zeros_like(checkpoints), *(torch.empty_like(checkpoints) for _ in range(2))
    tile = channels_per_program(channels)

    def run_all(slopes: Tensor) -> None:
        launch(
            sensitivity,
            (-(-channels // tile) * batch, parts),
            *(x, dy, decay, checkpoints.clone(), slopes, ddecay, dweight, length, channels, averages, steps),
            REVERSE=operands.reverse,
            AVERAGES=power_of_two(averages),
            CHANNELS=tile,
            num_warps=WARPS,
        )

    if parts > 1:
        run_all(slopes)
        slopes, _ = before_each((decay**steps).expand(1, parts, -1, -1), slopes, torch.zeros_like(slopes[:, 0]))
    run_all(slopes)
    return dx, (ddecay.sum(1) * operands.weight.mT).sum(0).mT, dweight.sum((0, 1)).mT
