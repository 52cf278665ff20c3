"""The minimal work of the gate."""

from __future__ import annotations

from ..registration import KernelCost


def cost(batch: int, n: int, *, rows: int = 1, backward: bool = False, itemsize: int = 4) -> KernelCost:
    """Return the cost of one forward pass, or of one backward pass; `rows` of scores is 1 or `batch`.

    Every addition, product, division and exponential counts as one operation. The backward pass reads entries, scores
    and the gradient, and writes one gradient for each of entries and scores.
    """
    if backward:
        return KernelCost(2 * batch * n + 8 * rows * n, (3 * batch + 2 * rows) * n * itemsize)
    return KernelCost(batch * n + 5 * rows * n, (2 * batch + rows) * n * itemsize)
