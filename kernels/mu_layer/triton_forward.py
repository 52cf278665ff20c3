"""The product of the Mu-Layer in Triton: a few whole rows per program, both norms from registers."""

# Pyright takes the body of a kernel for plain Python.
# pyright: reportCallIssue=false, reportArgumentType=false, reportIndexIssue=false, reportGeneralTypeIssues=false

from __future__ import annotations

import triton
import triton.language as tl
from torch import Tensor

from ..native import as_rows
from ..triton_launch import launch, power_of_two, strides
from .operation import Operands

TILE_ENTRIES = 1024
"""Entries of a tile of rows; a longer row gets its own tile."""


@triton.jit
def source_of(source, source_batch, b, t, d, inside, length, channels, GROUPS: tl.constexpr):
    """Return the position from which each channel of row t is read."""
    group = ((d + 1) * GROUPS - 1) // channels
    places = source + b[:, None] * source_batch + t[:, None] * GROUPS + group[None, :]
    return tl.load(places, mask=inside, other=0).to(tl.int64)


@triton.jit
def norm(x, mean, scale, weight, bias):
    """Return a factor without its weight and bias, then with them."""
    h = (x - mean[:, None]) * scale[:, None]
    return h, h * weight[None, :] + bias[None, :]


@triton.jit
def _statistics(x, held, channels, eps):
    mean = tl.sum(x, 1) / channels
    centered = tl.where(held[None, :], x - mean[:, None], 0.0)
    return mean, 1.0 / tl.sqrt(tl.sum(centered * centered, 1) / channels + eps)


@triton.jit
def small(pointer, d, held):
    return tl.load(pointer + d, mask=held, other=0.0).to(tl.float32)


@triton.jit
def forward_kernel(
    a,
    c,
    weight_a,
    bias_a,
    weight_c,
    bias_c,
    alpha,
    source,
    y,
    stats,
    a_batch,
    a_step,
    c_batch,
    c_step,
    source_batch,
    rows,
    length,
    channels,
    eps,
    GROUPS: tl.constexpr,
    BLOCK_ROWS: tl.constexpr,
    BLOCK_D: tl.constexpr,
):
    """Write ``n_a + alpha n_a n_c`` and the statistics of both norms; GROUPS is 0 without a source."""
    row = tl.program_id(0).to(tl.int64) * BLOCK_ROWS + tl.arange(0, BLOCK_ROWS)
    d = tl.arange(0, BLOCK_D)
    held = d < channels
    inside = (row < rows)[:, None] & held[None, :]
    b, t = row // length, row % length
    if GROUPS:
        read = source_of(source, source_batch, b, t, d, inside, length, channels, GROUPS)
        first = tl.load(a + b[:, None] * a_batch + read * a_step + d[None, :], mask=inside, other=0.0).to(tl.float32)
    else:
        first = tl.load(a + (b * a_batch + t * a_step)[:, None] + d[None, :], mask=inside, other=0.0).to(tl.float32)
    second = tl.load(c + (b * c_batch + t * c_step)[:, None] + d[None, :], mask=inside, other=0.0).to(tl.float32)
    mean_a, scale_a = _statistics(first, held, channels, eps)
    mean_c, scale_c = _statistics(second, held, channels, eps)
    _, na = norm(first, mean_a, scale_a, small(weight_a, d, held), small(bias_a, d, held))
    _, nc = norm(second, mean_c, scale_c, small(weight_c, d, held), small(bias_c, d, held))
    out = na + tl.load(alpha).to(tl.float32) * na * nc
    tl.store(y + row[:, None] * channels + d[None, :], out.to(y.dtype.element_ty), mask=inside)
    tl.store(stats + row * 4, mean_a, mask=row < rows)
    tl.store(stats + row * 4 + 1, scale_a, mask=row < rows)
    tl.store(stats + row * 4 + 2, mean_c, mask=row < rows)
    tl.store(stats + row * 4 + 3, scale_c, mask=row < rows)


def forward(operands: Operands) -> tuple[Tensor, Tensor]:
    """Return the product, and the statistics (batch, length, 4) of both norms."""
    operands = in_place(operands)
    y, stats = operands.outputs()
    tile = tile_of(y)
    grid = (-(-y.shape[0] * y.shape[1] // tile["BLOCK_ROWS"]),)
    given = (*input_strides(operands), *sizes(y), operands.eps)
    launch(forward_kernel, grid, *operands[:8], y, stats, *given, GROUPS=groups(operands), **tile)
    return y, stats


def in_place(operands: Operands) -> Operands:
    """Copy only what the kernels cannot read in place."""
    whole = {name: x.contiguous() for name in Operands._fields[2:8] if (x := getattr(operands, name)) is not None}
    return operands._replace(a=as_rows(operands.a), c=as_rows(operands.c), **whole)


def input_strides(operands: Operands) -> tuple[int, ...]:
    """Return the strides of batch and step of `a` and `c`, and that of the batch of the source."""
    source = operands.source
    return *strides(operands.a, operands.c), 0 if source is None or len(source) == 1 else source.stride(0)


def sizes(a: Tensor) -> tuple[int, int, int]:
    batch, length, channels = a.shape
    return batch * length, length, channels


def groups(operands: Operands) -> int:
    """Return the number of groups of channels, 0 without a source."""
    return 0 if operands.source is None else operands.source.shape[2]


def tile_of(a: Tensor) -> dict[str, int]:
    width = power_of_two(a.shape[2])
    entries = max(width, TILE_ENTRIES)
    return {"BLOCK_ROWS": entries // width, "BLOCK_D": width, "num_warps": min(32, entries // 128)}
