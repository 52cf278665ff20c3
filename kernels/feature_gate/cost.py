"""What the gate must do at the least."""

from __future__ import annotations

from ..costs import Cost


def cost(batch: int, n: int, *, rows: int = 1, backward: bool = False, itemsize: int = 4) -> Cost:
    """Return the cost of one forward pass, or of one backward pass; `rows` of scores are 1 or `batch`.

    Every addition, product, division and exponential counts one. Backward reads entries, scores and the gradient, and
    writes a gradient each.
    """
    if backward:
        return Cost(2 * batch * n + 8 * rows * n, (3 * batch + 2 * rows) * n * itemsize)
    return Cost(batch * n + 5 * rows * n, (2 * batch + rows) * n * itemsize)
