"""What the product of the Mu-Layer must do at the least."""

from __future__ import annotations

from ..costs import Cost


def cost(batch: int, length: int, channels: int, *, backward: bool = False, itemsize: int = 4) -> Cost:
    """Return the cost of one forward pass, or of one backward pass that norms again.

    Every addition and product counts one. Forward reads both factors and writes one result; backward reads the factors
    and the gradient and writes two. Weights and the four statistics of a row count as nothing.
    """
    cells = batch * length * channels
    return Cost(cells * (45 if backward else 17), cells * (5 if backward else 3) * itemsize)
