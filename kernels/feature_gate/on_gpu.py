"""The gate through Triton: grids, strides and tile sizes for `triton_kernels`."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from ..native import as_rows
from ..triton_support import PROGRAMS, launch, power_of_two
from .triton_kernels import backward_kernel, forward_kernel

TILE_ENTRIES = 1024
WIDEST = 128
"""Most columns of a tile: four entries of each thread of a warp lie side by side."""

MOST_TILES = 16
"""Most tiles of rows that one program walks to sum the gradient of one row of scores."""


def forward(entries: Tensor, scores: Tensor) -> Tensor:
    """Return the gated entries, in the wider dtype of the two."""
    entries, scores = as_rows(entries), as_rows(scores)
    y = entries.new_empty(entries.shape, dtype=torch.promote_types(entries.dtype, scores.dtype))
    tile = _tile(entries)
    launch(forward_kernel, _grid(entries, tile), *(entries, scores, y), *_steps(entries, scores), *y.shape, **tile)
    return y


def backward(dy: Tensor, entries: Tensor, scores: Tensor) -> tuple[Tensor, Tensor]:
    """Return the gradients of entries and scores."""
    dy, entries, scores = as_rows(dy), as_rows(entries), as_rows(scores)
    one_row, tile = len(scores) < len(entries), _tile(entries)
    programs, across = _grid(entries, tile)
    tiles = min(MOST_TILES, -(-programs * across // PROGRAMS)) if one_row else 1
    programs = -(-programs // tiles)
    dentries = entries.new_empty(entries.shape)
    dscores = scores.new_empty(programs, scores.shape[1], dtype=torch.float32) if one_row else _like(scores)
    launch(
        backward_kernel,
        (programs, across),
        *(entries, scores, dy, dentries, dscores, *_steps(entries, scores), dy.stride(0), *entries.shape, tiles),
        ONE_ROW=one_row,
        **tile,
    )
    return dentries, dscores.sum(0, keepdim=True).to(scores.dtype) if one_row else dscores


def _like(x: Tensor) -> Tensor:
    return x.new_empty(x.shape)


def _steps(entries: Tensor, scores: Tensor) -> tuple[int, int]:
    return entries.stride(0), 0 if len(scores) < len(entries) else scores.stride(0)


def _grid(entries: Tensor, tile: dict[str, Any]) -> tuple[int, int]:
    return -(-len(entries) // tile["BLOCK_ROWS"]), -(-entries.shape[1] // tile["BLOCK_N"])


def _tile(entries: Tensor) -> dict[str, Any]:
    width = min(WIDEST, power_of_two(entries.shape[1]))
    return {"BLOCK_ROWS": TILE_ENTRIES // width, "BLOCK_N": width, "num_warps": 8}
