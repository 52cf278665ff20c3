"""The depthwise convolution in Triton: tiles of time by channels, one shifted load per tap, mostly from the caches."""

# Pyright takes the body of a kernel for plain Python.
# pyright: reportCallIssue=false, reportArgumentType=false, reportIndexIssue=false, reportGeneralTypeIssues=false

from __future__ import annotations

from typing import Any

import triton
import triton.language as tl
from torch import Tensor

from ..native import as_rows
from ..triton_functions import sigmoid
from ..triton_launch import launch, strides
from .operation import Operands

TILE = {"BLOCK_T": 64, "BLOCK_D": 64, "num_warps": 8}
"""16 entries per thread: with more, or with unrolled taps, registers spill."""


@triton.jit
def rows_at(pointer, step, t, d, length, channels):
    """Load rows t of channels d as float32, zero outside the sequence."""
    inside = ((t >= 0) & (t < length))[:, None] & (d < channels)[None, :]
    return tl.load(pointer + t[:, None].to(tl.int64) * step + d[None, :], mask=inside, other=0.0).to(tl.float32)


@triton.jit
def sums(x, step, weight, bias, t, d, length, channels, dilation, left, TAPS: tl.constexpr, BIAS: tl.constexpr):
    total = tl.zeros((t.shape[0], d.shape[0]), tl.float32)
    if BIAS:
        total += tl.load(bias + d, mask=d < channels, other=0.0).to(tl.float32)[None, :]
    for k in range(TAPS):
        w = tl.load(weight + k * channels + d, mask=d < channels, other=0.0).to(tl.float32)
        total += w[None, :] * rows_at(x, step, t + k * dilation - left, d, length, channels)
    return total


@triton.jit
def place(length, BLOCK_T: tl.constexpr, BLOCK_D: tl.constexpr):
    blocks = tl.cdiv(length, BLOCK_T)
    b = (tl.program_id(0) // blocks).to(tl.int64)
    t = tl.program_id(0) % blocks * BLOCK_T + tl.arange(0, BLOCK_T)
    return b, t, tl.program_id(1) * BLOCK_D + tl.arange(0, BLOCK_D)


@triton.jit
def forward_kernel(
    x,
    weight,
    bias,
    y,
    x_batch,
    x_step,
    length,
    channels,
    dilation,
    left,
    TAPS: tl.constexpr,
    BIAS: tl.constexpr,
    SILU: tl.constexpr,
    RESIDUAL: tl.constexpr,
    BLOCK_T: tl.constexpr,
    BLOCK_D: tl.constexpr,
):
    """Write act(sums) (+ x): reads a tile of x and its shifted neighbors, writes a tile of y."""
    b, t, d = place(length, BLOCK_T, BLOCK_D)
    x += b * x_batch
    out = sums(x, x_step, weight, bias, t, d, length, channels, dilation, left, TAPS, BIAS)
    if SILU:
        out = out * sigmoid(out)
    if RESIDUAL:
        out += rows_at(x, x_step, t, d, length, channels)
    cells = (b * length + t[:, None]) * channels + d[None, :]
    tl.store(y + cells, out.to(y.dtype.element_ty), mask=(t < length)[:, None] & (d < channels)[None, :])


def forward(operands: Operands) -> Tensor:
    x, weight, bias, dilation, left, silu, residual = operands = in_place(operands)
    y = x.new_empty(x.shape)
    sizes = (*strides(x), *x.shape[1:], dilation, left)
    options = {**flags(operands), "SILU": silu, "RESIDUAL": residual}
    launch(forward_kernel, grid_of(x, TILE), x, weight, bias, y, *sizes, **options, **TILE)
    return y


def in_place(operands: Operands) -> Operands:
    """Copy only what the kernels cannot read in place; the weight becomes (taps, channels)."""
    bias = None if operands.bias is None else operands.bias.contiguous()
    return operands._replace(x=as_rows(operands.x), weight=operands.weight.mT.contiguous(), bias=bias)


def grid_of(x: Tensor, tile: dict[str, int]) -> tuple[int, int]:
    """Return the programs along time, for all rows of the batch, and along the channels."""
    batch, length, channels = x.shape
    return batch * -(-length // tile["BLOCK_T"]), -(-channels // tile["BLOCK_D"])


def flags(operands: Operands) -> dict[str, Any]:
    return {"TAPS": operands.weight.shape[0], "BIAS": operands.bias is not None}
