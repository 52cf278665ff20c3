"""The gate in Triton, backward: each entry is read once and written once, and its sigmoid is recomputed."""

from __future__ import annotations

import torch
import triton
import triton.language as tl
from torch import Tensor

from ..native import as_rows
from ..registration import Gradients
from ..triton_functions import load_rows, sigmoid
from ..triton_launch import PROGRAMS, launch
from .operation import Operands
from .triton_forward import grid_of, in_rows, row_strides, tile_of

MOST_TILES = 16
"""Maximum number of tiles of rows that one program sums for the gradient of one row of scores."""


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

    With ONE_ROW of scores, its gradient is a sum over the batch: dscores is (programs, n), parts that are summed
    afterwards.
    """
    rows, columns = tl.arange(0, BLOCK_ROWS), tl.program_id(1) * BLOCK_N + tl.arange(0, BLOCK_N)
    total = tl.zeros((BLOCK_N,), tl.float32)
    for tile in range(tiles):
        first = (tl.program_id(0).to(tl.int64) * tiles + tile) * BLOCK_ROWS
        inside = tl.minimum(batch - first, BLOCK_ROWS).to(tl.int32)
        gate = sigmoid(load_rows(scores + first * scores_step, scores_step, rows, columns, inside, n))
        through = 2.0 * gate * load_rows(dy + first * dy_step, dy_step, rows, columns, inside, n)
        given = load_rows(entries + first * entries_step, entries_step, rows, columns, inside, n)
        place, mask = rows[:, None] * n + columns, (rows < inside)[:, None] & (columns < n)
        tl.store(dentries + first * n + place, through.to(dentries.dtype.element_ty), mask)
        found = through * (1.0 - gate) * given
        if ONE_ROW:
            total += tl.sum(found, 0)
        else:
            tl.store(dscores + first * n + place, found.to(dscores.dtype.element_ty), mask)
    if ONE_ROW:
        tl.store(dscores + tl.program_id(0).to(tl.int64) * n + columns, total, columns < n)


def backward(operands: Operands, dy: Tensor) -> Gradients:
    (entries, scores), dy = in_rows(operands), as_rows(dy)
    one_row, tile = len(scores) < len(entries), tile_of(entries)
    programs, across = grid_of(entries, tile)
    tiles = min(MOST_TILES, -(-programs * across // PROGRAMS)) if one_row else 1
    programs = -(-programs // tiles)
    dentries = entries.new_empty(entries.shape)
    rows, dtype = (programs, torch.float32) if one_row else (len(scores), scores.dtype)
    dscores = scores.new_empty(rows, scores.shape[1], dtype=dtype)
    steps = (*row_strides(entries, scores), dy.stride(0))
    launch(
        backward_kernel,
        (programs, across),
        *(entries, scores, dy, dentries, dscores, *steps, *entries.shape, tiles),
        ONE_ROW=one_row,
        **tile,
    )
    return dentries, dscores.sum(0, keepdim=True).to(scores.dtype) if one_row else dscores
