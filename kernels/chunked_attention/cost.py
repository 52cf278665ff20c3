"""The minimal work of attention in chunks."""

from __future__ import annotations

from ..registration import KernelCost


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
) -> KernelCost:
    """Return the cost of one forward pass, or of one backward pass that recomputes the weights.

    Counts two floating-point operations per product in the matrix products, and nothing else, over the visible pairs of
    query and key. Every input is read once and every output written once; the bias is not counted.
    """
    size = min(chunk, length)
    pairs = batch * length * (size + 1) // 2 if causal else batch * length * size
    products = (3 * shared + 2 * value) if backward else (shared + value)
    wide = batch * length * (2 * shared + 2 * value)
    return KernelCost(2 * pairs * products, wide * (2 if backward else 1) * itemsize)
