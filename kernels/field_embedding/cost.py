"""The minimal work of the look-up."""

from __future__ import annotations

from ..registration import KernelCost


def cost(batch: int, fields: int, bag: int, dim: int, *, backward: bool = False, itemsize: int = 4) -> KernelCost:
    """Return the cost of one forward pass, or of one backward pass into an existing gradient.

    The forward pass reads the ids and one row per id, and writes one vector per field. The backward pass reads the
    gradient of each vector and adds it to the rows, which are read and written. Filling a dense gradient with zeros is
    not counted.
    """
    rows, vectors = batch * fields * bag * dim, batch * fields * dim
    ids = 8 * batch * fields * bag
    moved = vectors + 2 * rows if backward else rows + vectors
    return KernelCost(rows if bag > 1 or backward else 0, moved * itemsize + ids)
