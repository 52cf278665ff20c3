"""The gate in Triton: each entry is read once and written once."""

from __future__ import annotations

from typing import Any

import triton
import triton.language as tl
from torch import Tensor

from ..native import as_rows
from ..triton_functions import load_rows, sigmoid
from ..triton_launch import launch, power_of_two
from .operation import Operands

TILE_ENTRIES = 1024
WIDEST = 128
"""Maximum number of columns of a tile: each thread of a warp then has four adjacent entries."""


@triton.jit
def forward_kernel(
    entries, scores, y, entries_step, scores_step, batch, n, BLOCK_ROWS: tl.constexpr, BLOCK_N: tl.constexpr
):
    """Write a tile of ``2 sigmoid(scores) * entries``; `scores_step` is 0 if there is one row of scores."""
    first = tl.program_id(0).to(tl.int64) * BLOCK_ROWS
    inside = tl.minimum(batch - first, BLOCK_ROWS).to(tl.int32)
    rows, columns = tl.arange(0, BLOCK_ROWS), tl.program_id(1) * BLOCK_N + tl.arange(0, BLOCK_N)
    gate = 2.0 * sigmoid(load_rows(scores + first * scores_step, scores_step, rows, columns, inside, n))
    out = gate * load_rows(entries + first * entries_step, entries_step, rows, columns, inside, n)
    mask = (rows < inside)[:, None] & (columns < n)
    tl.store(y + first * n + (rows[:, None] * n + columns), out.to(y.dtype.element_ty), mask)


def forward(operands: Operands) -> Tensor:
    entries, scores = in_rows(operands)
    (y,) = operands.outputs()
    tile = tile_of(entries)
    steps = row_strides(entries, scores)
    launch(forward_kernel, grid_of(entries, tile), *(entries, scores, y), *steps, *y.shape, **tile)
    return y


def in_rows(operands: Operands) -> Operands:
    """Copy only what the kernels cannot read in place."""
    return Operands(*map(as_rows, operands))


def row_strides(entries: Tensor, scores: Tensor) -> tuple[int, int]:
    """Return the strides of the rows of entries and scores, 0 for one row of scores."""
    return entries.stride(0), 0 if len(scores) < len(entries) else scores.stride(0)


def grid_of(entries: Tensor, tile: dict[str, Any]) -> tuple[int, int]:
    return -(-len(entries) // tile["BLOCK_ROWS"]), -(-entries.shape[1] // tile["BLOCK_N"])


def tile_of(entries: Tensor) -> dict[str, Any]:
    width = min(WIDEST, power_of_two(entries.shape[1]))
    return {"BLOCK_ROWS": TILE_ENTRIES // width, "BLOCK_N": width, "num_warps": 8}
