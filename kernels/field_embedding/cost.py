"""What the look-up must do at the least."""

from __future__ import annotations

from ..costs import Cost


def cost(batch: int, fields: int, bag: int, dim: int, *, backward: bool = False, itemsize: int = 4) -> Cost:
    """Return the cost of one forward pass, or of one backward pass into a gradient that is there already.

    Forward reads a row an id and the ids themselves, and writes a vector a field; backward reads the gradient of each
    vector and adds it to the rows, which are read and written. What fills a dense gradient with zeros is not counted.
    """
    rows, vectors = batch * fields * bag * dim, batch * fields * dim
    ids = 8 * batch * fields * bag
    moved = vectors + 2 * rows if backward else rows + vectors
    return Cost(rows if bag > 1 or backward else 0, moved * itemsize + ids)
