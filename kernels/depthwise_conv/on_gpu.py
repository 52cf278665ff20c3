"""The depthwise convolution through Triton: grids, strides and tile sizes for `triton_kernels`."""

# pyright: reportCallIssue=false, reportArgumentType=false

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from ..native import as_rows
from ..triton_support import launch
from .operands import Gradients, Operands
from .triton_kernels import backward_kernel, dsum_kernel, forward_kernel

# 16 entries a thread, and 8 backward: more, or taps unrolled, and registers spill.
FORWARD_TILE = {"BLOCK_T": 64, "BLOCK_D": 64, "num_warps": 8}
BACKWARD_TILE = {"BLOCK_T": 64, "BLOCK_D": 64, "num_warps": 16}

FEW_TAPS = 4
"""Up to here, backward forms the sums before a SiLU anew at each tap; beyond, it writes their gradient first."""


def forward(operands: Operands) -> Tensor:
    """Return the convolution."""
    operands = _in_place(operands)
    x, weight, bias, dilation, left, silu, residual = operands
    y = x.new_empty(x.shape)
    sizes = (*_strides(x), *x.shape[1:], dilation, left)
    flags = {**_flags(operands), "SILU": silu, "RESIDUAL": residual}
    launch(forward_kernel, _grid(x, FORWARD_TILE), x, weight, bias, y, *sizes, **flags, **FORWARD_TILE)
    return y


def backward(operands: Operands, dy: Tensor) -> Gradients:
    """Return the gradients of all operands; those of weight and bias in float32."""
    operands, dy = _in_place(operands), as_rows(dy)
    x, weight, bias, dilation, left, silu, residual = operands
    again = silu and weight.shape[0] <= FEW_TAPS
    dsum = _dsum(operands, dy) if silu and not again else dy
    grid = _grid(x, BACKWARD_TILE)
    dx = x.new_empty(x.shape)
    dweight = torch.empty(grid[0], *weight.shape, device=x.device)
    dbias = dweight.new_empty(grid[0], x.shape[2])
    sizes = (*_strides(x), *_strides(dy), *_strides(dsum), *x.shape[1:], dilation, left)
    flags = {**_flags(operands), "SILU": again, "RESIDUAL": residual}
    given, written = (x, dy, dsum, weight, bias), (dx, dweight, dbias)
    launch(backward_kernel, grid, *given, *written, *sizes, **flags, **BACKWARD_TILE)
    return Gradients(dx, dweight.sum(0).mT, None if bias is None else _dbias(operands, dy, dsum, dbias, again))


def _dbias(operands: Operands, dy: Tensor, dsum: Tensor, parts: Tensor, again: bool) -> Tensor:
    """Return the gradient of the bias: from the parts where a tap lies on its output's position, else anew."""
    if operands.left % operands.dilation == 0:
        return parts.sum(0)
    return (_dsum(operands, dy) if again else dsum).sum((0, 1), dtype=torch.float32)


def _dsum(operands: Operands, dy: Tensor) -> Tensor:
    """Return the gradient by the sums before the SiLU."""
    x, weight, bias, dilation, left, *_ = operands
    dsum = dy.new_empty(dy.shape)
    sizes = (*_strides(x), *_strides(dy), *x.shape[1:], dilation, left)
    grid, flags = _grid(x, FORWARD_TILE), _flags(operands)
    launch(dsum_kernel, grid, x, dy, weight, bias, dsum, *sizes, **flags, **FORWARD_TILE)
    return dsum


def _in_place(operands: Operands) -> Operands:
    """Copy only what the kernels cannot read where it lies; the weight becomes (taps, channels)."""
    bias = None if operands.bias is None else operands.bias.contiguous()
    return operands._replace(x=as_rows(operands.x), weight=operands.weight.mT.contiguous(), bias=bias)


def _grid(x: Tensor, tile: dict[str, int]) -> tuple[int, int]:
    batch, length, channels = x.shape
    return batch * -(-length // tile["BLOCK_T"]), -(-channels // tile["BLOCK_D"])


def _strides(x: Tensor) -> tuple[int, int]:
    return x.stride(0), x.stride(1)


def _flags(operands: Operands) -> dict[str, Any]:
    return {"TAPS": operands.weight.shape[0], "BIAS": operands.bias is not None}
