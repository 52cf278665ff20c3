"""The minimal work of the depthwise convolution."""

from __future__ import annotations

from ..registration import KernelCost


def cost(
    batch: int,
    length: int,
    channels: int,
    taps: int,
    *,
    silu: bool = False,
    residual: bool = False,
    backward: bool = False,
    itemsize: int = 4,
) -> KernelCost:
    """Return the cost of one forward pass, or of one backward pass that recomputes the sums before the activation.

    Every addition, product, division and exponential counts as one operation, including taps outside the sequence and
    the bias. Every input is read once and every output written once.
    """
    cells = batch * length * channels
    if backward:
        work = 4 * taps + 1 + (2 * taps + 9 if silu else 0)
        wide = 3
    else:
        work = 2 * taps + (4 if silu else 0)
        wide = 2
    work += residual
    small = channels * (taps + 1) * (2 if backward else 1)
    return KernelCost(cells * work, (cells * wide + small) * itemsize)
