"""The minimal work of the linear recurrence."""

from __future__ import annotations

from ..registration import KernelCost


def cost(
    batch: int,
    length: int,
    channels: int,
    *,
    complex_valued: bool = False,
    backward: bool = False,
    itemsize: int = 4,
) -> KernelCost:
    """Return the cost of one forward pass, or of one backward pass, which reads the states instead of the inputs.

    Every real addition and product counts as one operation; `itemsize` is the bytes per real number. The forward pass
    reads both inputs and writes the states; the backward pass reads decays, states and their gradients and writes two
    gradients.
    """
    cells = batch * length * channels
    multiply, add = (6, 2) if complex_valued else (1, 1)
    flops = 2 * multiply + add if backward else multiply + add
    arrays = 5 if backward else 3
    return KernelCost(cells * flops, cells * arrays * itemsize * (2 if complex_valued else 1))
