"""What the depthwise convolution must do at the least."""

from __future__ import annotations

from ..costs import Cost


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
) -> Cost:
    """Return the cost of one forward pass, or of one backward pass that runs the sums before the activation again.

    Every addition, product, division and exponential counts one, taps that reach past the ends and the bias
    included. Every input is read once and every output written once.
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
    return Cost(cells * work, (cells * wide + small) * itemsize)
