"""The minimal work of the bilinear form."""

from __future__ import annotations

from ..registration import KernelCost


def cost(
    batch: int, heads: int, p: int, q: int, outputs: int, *, backward: bool = False, itemsize: int = 4
) -> KernelCost:
    """Return the cost of one forward pass, or of one backward pass: two operations per product of entries and weight.

    Every input is read once and every output written once.
    """
    work = 2 * batch * heads * p * q * outputs
    streams, weight = batch * heads * (p + q), heads * p * q * outputs
    passes = 2 if backward else 1
    return KernelCost((3 if backward else 1) * work, (passes * (streams + weight) + batch * outputs) * itemsize)
