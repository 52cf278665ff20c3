"""One look-up for all fields and their bags, in torch only.

The tables of the fields are stacked, so one gather serves them all. Torch's gather and scatter are as fast as possible,
and support gradients and `torch.compile`. Every padding id is mapped to row 0 of the whole table, which torch skips in
both passes, so no mask is needed.
"""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional as F

from ..registration import KernelCost


def field_embedding(table: Tensor, ids: Tensor, offsets: Tensor) -> Tensor:
    """Return the mean of each field's rows; id 0 is padding, which is ignored and gets no gradient.

    Parameters
    ----------
    table
        (rows of all fields, dim); row 0, the padding of the first field, must be zero.
    ids
        (batch, fields, bag) ids within each field, int64.
    offsets
        (fields,) the first row of each field's table; the first is 0.

    Returns
    -------
    Tensor
        (batch, fields, dim); zeros for an empty bag.

    Raises
    ------
    ValueError
        If the number of fields differs between `ids` and `offsets`.
    """
    if ids.ndim != 3 or ids.shape[1] != len(offsets):
        raise ValueError(f"ids have shape {tuple(ids.shape)}, expected (batch, {len(offsets)} fields, bag)")
    rows = (ids + offsets[:, None]).masked_fill(ids == 0, 0)
    if ids.shape[2] == 1:
        return F.embedding(rows.squeeze(2), table, padding_idx=0)
    return F.embedding_bag(rows.flatten(0, 1), table, mode="mean", padding_idx=0).unflatten(0, ids.shape[:2])


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
