"""What the moving averages must do at the least."""

from __future__ import annotations

from ..costs import Cost


def cost(batch: int, length: int, channels: int, averages: int, *, backward: bool = False, itemsize: int = 4) -> Cost:
    """Return the cost of one forward pass, or of one backward pass that runs the states again.

    That of the recurrence: every addition and product counts one. The forward pass reads x and writes y; the backward
    pass reads x and the gradient of y and writes that of x. States do not touch memory.
    """
    cells = batch * length * channels
    per_state, wide, copies = (11, 3, 2) if backward else (4, 2, 1)
    small = copies * channels * averages * (2 + batch)
    return Cost(cells * averages * per_state, (cells * wide + small) * itemsize)
