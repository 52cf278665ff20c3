"""The depthwise convolution in Triton, backward."""

# Pyright takes the body of a kernel for plain Python.
# pyright: reportCallIssue=false, reportArgumentType=false, reportIndexIssue=false, reportGeneralTypeIssues=false

from __future__ import annotations

import torch
import triton
import triton.language as tl
from torch import Tensor

from ..native import as_rows
from ..registration import Gradients
from ..triton_functions import sigmoid
from ..triton_launch import launch, strides
from .operation import Operands
from .triton_forward import TILE as FORWARD_TILE
from .triton_forward import flags, grid_of, in_place, place, rows_at, sums

TILE = {"BLOCK_T": 64, "BLOCK_D": 64, "num_warps": 16}
"""8 entries per thread: with more, or with unrolled taps, registers spill."""

FEW_TAPS = 4
"""Up to this number of taps, the sums before a SiLU are recomputed per tap; else their gradient is written first."""


@triton.jit
def dsums(
    x,
    x_step,
    dy,
    dy_step,
    weight,
    bias,
    t,
    d,
    length,
    channels,
    dilation,
    left,
    TAPS: tl.constexpr,
    BIAS: tl.constexpr,
    SILU: tl.constexpr,
):
    """Return the gradient of the sums before the activation at positions t, zero outside the sequence."""
    through = rows_at(dy, dy_step, t, d, length, channels)
    if SILU:
        total = sums(x, x_step, weight, bias, t, d, length, channels, dilation, left, TAPS, BIAS)
        gate = sigmoid(total)
        through *= gate * (1.0 + total * (1.0 - gate))
    return through


@triton.jit
def dsum_kernel(
    x,
    dy,
    weight,
    bias,
    dsum,
    x_batch,
    x_step,
    dy_batch,
    dy_step,
    length,
    channels,
    dilation,
    left,
    TAPS: tl.constexpr,
    BIAS: tl.constexpr,
    BLOCK_T: tl.constexpr,
    BLOCK_D: tl.constexpr,
):
    """Write the gradient of the sums before a SiLU, for filters too wide to recompute them at every tap."""
    b, t, d = place(length, BLOCK_T, BLOCK_D)
    x += b * x_batch
    dy += b * dy_batch
    found = dsums(x, x_step, dy, dy_step, weight, bias, t, d, length, channels, dilation, left, TAPS, BIAS, True)
    cells = (b * length + t[:, None]) * channels + d[None, :]
    tl.store(dsum + cells, found.to(dsum.dtype.element_ty), mask=(t < length)[:, None] & (d < channels)[None, :])


@triton.jit(do_not_specialize=["dilation"])  # for a dilation of one the compiler needs too many registers
def backward_kernel(
    x,
    dy,
    dsum,
    weight,
    bias,
    dx,
    dweight,
    dbias,
    x_batch,
    x_step,
    dy_batch,
    dy_step,
    dsum_batch,
    dsum_step,
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
    """Write a tile of dx, and its part of the gradient of each tap: output t + left - k dilation read x[t] by tap k.

    With SILU, `dsum` is the gradient of y, from which that of the sums is computed at every tap; otherwise it is the
    gradient of the sums. dweight is (programs of time, TAPS, channels) and dbias (programs of time, channels): parts
    that are summed afterwards, in a fixed order. dbias is written if a tap is at the position of its output.
    """
    b, t, d = place(length, BLOCK_T, BLOCK_D)
    x += b * x_batch
    dsum += b * dsum_batch
    own = rows_at(x, x_step, t, d, length, channels)
    total = tl.zeros((BLOCK_T, BLOCK_D), tl.float32)
    if RESIDUAL:
        total += rows_at(dy + b * dy_batch, dy_step, t, d, length, channels)
    part = dweight + tl.program_id(0).to(tl.int64) * TAPS * channels + d
    for k in range(TAPS):
        reader = t + left - k * dilation
        found = dsums(
            x, x_step, dsum, dsum_step, weight, bias, reader, d, length, channels, dilation, left, TAPS, BIAS, SILU
        )
        w = tl.load(weight + k * channels + d, mask=d < channels, other=0.0).to(tl.float32)
        total += w[None, :] * found
        tl.store(part + k * channels, tl.sum(found * own, 0), mask=d < channels)
        if BIAS:  # noqa: SIM102 (BIAS is known when compiling)
            if left == k * dilation:  # this tap reads the position of its output, so every output occurs once
                own_part = dbias + tl.program_id(0).to(tl.int64) * channels + d
                tl.store(own_part, tl.sum(found, 0), mask=d < channels)
    cells = (b * length + t[:, None]) * channels + d[None, :]
    tl.store(dx + cells, total.to(dx.dtype.element_ty), mask=(t < length)[:, None] & (d < channels)[None, :])


def backward(operands: Operands, dy: Tensor) -> Gradients:
    """Return the gradients of x, weight and bias; those of weight and bias in float32."""
    operands, dy = in_place(operands), as_rows(dy)
    x, weight, bias, dilation, left, silu, residual = operands
    again = silu and weight.shape[0] <= FEW_TAPS
    dsum = _dsum(operands, dy) if silu and not again else dy
    grid = grid_of(x, TILE)
    dx = x.new_empty(x.shape)
    dweight = torch.empty(grid[0], *weight.shape, device=x.device)
    dbias = dweight.new_empty(grid[0], x.shape[2])
    sizes = (*strides(x, dy, dsum), *x.shape[1:], dilation, left)
    options = {**flags(operands), "SILU": again, "RESIDUAL": residual}
    given, written = (x, dy, dsum, weight, bias), (dx, dweight, dbias)
    launch(backward_kernel, grid, *given, *written, *sizes, **options, **TILE)
    return dx, dweight.sum(0).mT, None if bias is None else _dbias(operands, dy, dsum, dbias, again)


def _dbias(operands: Operands, dy: Tensor, dsum: Tensor, parts: Tensor, again: bool) -> Tensor:
    """Return the gradient of the bias: from the parts if a tap is at the position of its output, else recomputed."""
    if operands.left % operands.dilation == 0:
        return parts.sum(0)
    return (_dsum(operands, dy) if again else dsum).sum((0, 1), dtype=torch.float32)


def _dsum(operands: Operands, dy: Tensor) -> Tensor:
    """Return the gradient of the sums before the SiLU."""
    x, weight, bias, dilation, left, *_ = operands
    dsum = dy.new_empty(dy.shape)
    sizes = (*strides(x, dy), *x.shape[1:], dilation, left)
    grid, options = grid_of(x, FORWARD_TILE), flags(operands)
    launch(dsum_kernel, grid, x, dy, weight, bias, dsum, *sizes, **options, **FORWARD_TILE)
    return dsum
