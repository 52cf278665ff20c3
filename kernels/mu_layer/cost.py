"""The minimal work of the product of the Mu-Layer."""

from __future__ import annotations

from ..registration import KernelCost


def cost(batch: int, length: int, channels: int, *, backward: bool = False, itemsize: int = 4) -> KernelCost:
    """Return the cost of one forward pass, or of one backward pass that recomputes both norms.

    Every addition and product counts as one operation. The forward pass reads both factors and writes one result; the
    backward pass reads the factors and the gradient and writes two. Weights and the four statistics per row are not
    counted.
    """
    cells = batch * length * channels
    return KernelCost(cells * (45 if backward else 17), cells * (5 if backward else 3) * itemsize)
