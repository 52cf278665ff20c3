"""The minimal work of the moving averages."""

from __future__ import annotations

from ..registration import KernelCost


def cost(
    batch: int, length: int, channels: int, averages: int, *, backward: bool = False, itemsize: int = 4
) -> KernelCost:
    """Return the cost of one forward pass, or of one backward pass that recomputes the states.

    Counts the recurrence: every addition and product is one operation. The forward pass reads x and writes y; the
    backward pass reads x and the gradient of y and writes that of x. States do not touch memory.
    """
    cells = batch * length * channels
    per_state, wide, copies = (11, 3, 2) if backward else (4, 2, 1)
    return KernelCost(cells * averages * per_state, (cells * wide + 2 * copies * channels * averages) * itemsize)
