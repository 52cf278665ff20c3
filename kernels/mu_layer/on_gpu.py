"""The product of the Mu-Layer through Triton: grids, strides and tile sizes for `triton_kernels`."""

# pyright: reportCallIssue=false, reportArgumentType=false

from __future__ import annotations

import torch
from torch import Tensor

from ..native import as_rows
from ..triton_support import launch
from .operands import Gradients, Operands
from .triton_kernels import backward_kernel, forward_kernel

TILE_ENTRIES = 1024
"""Entries of a tile of rows; a row that is longer has a tile of its own."""

TILES = 16
"""Tiles of rows that one program of the backward pass walks, so that it writes few parts of the weights' gradients."""


def forward(operands: Operands) -> tuple[Tensor, Tensor]:
    """Return the product, and the statistics (batch, length, 4) of both norms."""
    operands = _in_place(operands)
    a = operands.a
    y = a.new_empty(a.shape)
    stats = torch.empty(*a.shape[:2], 4, device=a.device)
    tile = _tile(a)
    grid = (-(-a.shape[0] * a.shape[1] // tile["BLOCK_ROWS"]),)
    sizes = (*_strides(operands), *_sizes(a), operands.eps)
    launch(forward_kernel, grid, *operands[:8], y, stats, *sizes, GROUPS=_groups(operands), **tile)
    return y, stats


def backward(operands: Operands, stats: Tensor, dy: Tensor) -> Gradients:
    """Return the gradients of all operands; those of weights, biases and alpha in float32."""
    operands, dy = _in_place(operands), as_rows(dy)
    a, source = operands.a, operands.source
    tile = _tile(a)
    programs = -(-a.shape[0] * a.shape[1] // (tile["BLOCK_ROWS"] * TILES))
    da = a.new_empty(a.shape) if source is None else torch.zeros(a.shape, device=a.device)
    dc = a.new_empty(a.shape)
    dweights = torch.empty(programs, 4, a.shape[2], device=a.device)
    dalpha = dweights.new_empty(programs)
    sizes = (*_strides(operands), dy.stride(0), dy.stride(1), *_sizes(a))
    written = (stats, dy, da, dc, dweights, dalpha)
    constants = {"GROUPS": _groups(operands), "TILES": TILES, **tile}
    launch(backward_kernel, (programs,), *operands[:8], *written, *sizes, **constants)
    weight_a, bias_a, weight_c, bias_c = (part.sum(0) for part in dweights.unbind(1))
    return Gradients(da.to(a.dtype), dc, weight_a, bias_a, weight_c, bias_c, dalpha.sum())


def _in_place(operands: Operands) -> Operands:
    """Copy only what the kernels cannot read where it lies."""
    whole = {name: x.contiguous() for name in Operands._fields[2:8] if (x := getattr(operands, name)) is not None}
    return operands._replace(a=as_rows(operands.a), c=as_rows(operands.c), **whole)


def _strides(operands: Operands) -> tuple[int, ...]:
    a, c, source = operands.a, operands.c, operands.source
    source_batch = 0 if source is None or len(source) == 1 else source.stride(0)
    return a.stride(0), a.stride(1), c.stride(0), c.stride(1), source_batch


def _sizes(a: Tensor) -> tuple[int, int, int]:
    batch, length, channels = a.shape
    return batch * length, length, channels


def _groups(operands: Operands) -> int:
    return 0 if operands.source is None else operands.source.shape[2]


def _tile(a: Tensor) -> dict[str, int]:
    width = 1 << (a.shape[2] - 1).bit_length()
    entries = max(width, TILE_ENTRIES)
    return {"BLOCK_ROWS": entries // width, "BLOCK_D": width, "num_warps": min(32, entries // 128)}
