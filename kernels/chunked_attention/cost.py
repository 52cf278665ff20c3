"""What attention in chunks must do at the least."""

from __future__ import annotations

from ..costs import Cost


def cost(
    batch: int,
    length: int,
    shared: int,
    value: int,
    chunk: int,
    *,
    causal: bool = False,
    backward: bool = False,
    itemsize: int = 4,
) -> Cost:
    """Return the cost of one forward pass, or of one backward pass that forms the weights again.

    Two floating-point operations for each product of the matrix products alone, over the pairs of query and key that
    see each other. Every input is read once and every output written once; the bias counts as nothing.
    """
    size = min(chunk, length)
    pairs = batch * length * (size + 1) // 2 if causal else batch * length * size
    products = (3 * shared + 2 * value) if backward else (shared + value)
    wide = batch * length * (2 * shared + 2 * value)
    return Cost(2 * pairs * products, wide * (2 if backward else 1) * itemsize)
