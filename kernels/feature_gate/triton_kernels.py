"""The gate on a GPU: each entry is read once and written once, in either direction, and its sigmoid is run again."""

# pyright: reportIndexIssue=false, reportGeneralTypeIssues=false

from __future__ import annotations

import triton
import triton.language as tl

from ..triton_math import sigmoid
from ..triton_tiles import rows_of


@triton.jit
def forward_kernel(
    entries, scores, y, entries_step, scores_step, batch, n, BLOCK_ROWS: tl.constexpr, BLOCK_N: tl.constexpr
):
    """Write a tile of ``2 sigmoid(scores) * entries``; `scores_step` is 0 where one row of scores serves all."""
    first = tl.program_id(0).to(tl.int64) * BLOCK_ROWS
    inside = tl.minimum(batch - first, BLOCK_ROWS).to(tl.int32)
    rows, columns = tl.arange(0, BLOCK_ROWS), tl.program_id(1) * BLOCK_N + tl.arange(0, BLOCK_N)
    gate = 2.0 * sigmoid(rows_of(scores + first * scores_step, scores_step, rows, columns, inside, n))
    out = gate * rows_of(entries + first * entries_step, entries_step, rows, columns, inside, n)
    mask = (rows < inside)[:, None] & (columns < n)
    tl.store(y + first * n + (rows[:, None] * n + columns), out.to(y.dtype.element_ty), mask)


@triton.jit
def backward_kernel(
    entries,
    scores,
    dy,
    dentries,
    dscores,
    entries_step,
    scores_step,
    dy_step,
    batch,
    n,
    tiles,
    ONE_ROW: tl.constexpr,
    BLOCK_ROWS: tl.constexpr,
    BLOCK_N: tl.constexpr,
):
    """Write both gradients over some tiles of rows.

    Where ONE_ROW of scores serves all, its gradient is a sum over the batch: dscores is (programs, n), parts that are
    summed after.
    """
    rows, columns = tl.arange(0, BLOCK_ROWS), tl.program_id(1) * BLOCK_N + tl.arange(0, BLOCK_N)
    total = tl.zeros((BLOCK_N,), tl.float32)
    for tile in range(tiles):
        first = (tl.program_id(0).to(tl.int64) * tiles + tile) * BLOCK_ROWS
        inside = tl.minimum(batch - first, BLOCK_ROWS).to(tl.int32)
        gate = sigmoid(rows_of(scores + first * scores_step, scores_step, rows, columns, inside, n))
        through = 2.0 * gate * rows_of(dy + first * dy_step, dy_step, rows, columns, inside, n)
        given = rows_of(entries + first * entries_step, entries_step, rows, columns, inside, n)
        place, mask = rows[:, None] * n + columns, (rows < inside)[:, None] & (columns < n)
        tl.store(dentries + first * n + place, through.to(dentries.dtype.element_ty), mask)
        found = through * (1.0 - gate) * given
        if ONE_ROW:
            total += tl.sum(found, 0)
        else:
            tl.store(dscores + first * n + place, found.to(dscores.dtype.element_ty), mask)
    if ONE_ROW:
        tl.store(dscores + tl.program_id(0).to(tl.int64) * n + columns, total, columns < n)
