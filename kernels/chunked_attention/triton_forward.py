"""Attention in chunks in Triton, for weights that depend on one score only: no weight is ever written.

A program holds a tile of a chunk's queries and walks over tiles of its keys; or, turned, it holds a tile of keys and
walks over queries. Both passes compute the scores of every pair of tiles. Matrix products use TensorFloat-32:
three per product if the values are float32.
"""

# Pyright takes the body of a kernel for plain Python.
# pyright: reportCallIssue=false, reportArgumentType=false, reportIndexIssue=false, reportGeneralTypeIssues=false

from __future__ import annotations

from typing import Any

import torch
import triton
import triton.language as tl
from torch import Tensor

from ..native import as_rows
from ..triton_functions import load_rows
from ..triton_launch import launch, power_of_two, strides
from . import torch_form
from .operation import Operands

CENTER = tl.constexpr(torch_form.CENTER)
SHARPNESS = tl.constexpr(torch_form.SHARPNESS)

LARGEST, LARGEST_MET = 64, 32
"""Maximum number of rows of the tile that a program holds, and of the tiles that it walks over."""

WIDTH = {"tf32": 32, "tf32x3": 16}
"""Channels per step of a product: the three products for float32 need more registers."""

WIDEST = {"tf32": 128, "tf32x3": 64}
"""Maximum number of channels of a tile of results; if there are more, scores are recomputed for each tile of them."""


@triton.jit
def weigh(scores, LAPLACE: tl.constexpr):
    """Return the weights: Laplace's function, or the square of the positive part."""
    if LAPLACE:
        weights = 0.5 * (1.0 + tl.math.erf((scores - CENTER) * SHARPNESS))
    else:
        weights = tl.maximum(scores, 0.0) * tl.maximum(scores, 0.0)
    return weights


@triton.jit
def place(index, length, size):
    """Return the row, the first position and the number of positions of a chunk, counted over all rows."""
    chunks = tl.cdiv(length, size)
    first = (index % chunks).to(tl.int64) * size
    return (index // chunks).to(tl.int64), first, tl.minimum(length - first, size).to(tl.int32)


@triton.jit
def last_met(here, inside, TURNED: tl.constexpr, CAUSAL: tl.constexpr, BLOCK: tl.constexpr):
    """Return the end of the walk of the tile that begins at `here`."""
    end = inside
    if CAUSAL and not TURNED:
        end = tl.minimum(inside, here + BLOCK)
    return end


@triton.jit
def products(a, a_step, b, b_step, i, j, inside, channels, PRECISION: tl.constexpr, WIDTH: tl.constexpr):
    """Return the inner products (i, j) of rows i of `a` with rows j of `b`, WIDTH channels at a time."""
    total = tl.zeros((i.shape[0], j.shape[0]), tl.float32)
    for start in range(0, channels, WIDTH):
        c = start + tl.arange(0, WIDTH)
        across = tl.trans(load_rows(b, b_step, j, c, inside, channels))
        total += tl.dot(load_rows(a, a_step, i, c, inside, channels), across, input_precision=PRECISION)
    return total


@triton.jit
def scored(
    own,
    own_step,
    other,
    other_step,
    bias,
    bias_step,
    valid,
    seen,
    row,
    mine,
    met,
    inside,
    shared,
    TURNED: tl.constexpr,
    CAUSAL: tl.constexpr,
    BIAS: tl.constexpr,
    VALID: tl.constexpr,
    PRECISION: tl.constexpr,
    WIDTH: tl.constexpr,
):
    """Return the scores (mine, met), the number of keys that each query sees, and which pairs are visible."""
    found = products(own, own_step, other, other_step, mine, met, inside, shared, PRECISION, WIDTH)
    queries, keys = mine[:, None], met[None, :]
    if TURNED:
        queries, keys = met[None, :], mine[:, None]
    visible = (queries < inside) & (keys < inside)
    if CAUSAL:
        visible &= keys <= queries
    if VALID:
        visible &= tl.load(valid + row + keys, keys < inside, 0) != 0
        n = tl.load(seen + row + queries, queries < inside, 1.0)
    elif CAUSAL:
        n = (queries + 1).to(tl.float32)
    else:
        n = inside.to(tl.float32)
    scores = found / n
    if BIAS:
        scores += tl.load(bias + (queries * bias_step + keys), visible, 0.0).to(tl.float32)
    return scores, n, visible


@triton.jit
def attend(
    own,
    other,
    given,
    bias,
    valid,
    seen,
    out,
    own_batch,
    own_step,
    other_batch,
    other_step,
    given_batch,
    given_step,
    bias_step,
    length,
    size,
    shared,
    value,
    TURNED: tl.constexpr,
    LAPLACE: tl.constexpr,
    CAUSAL: tl.constexpr,
    BIAS: tl.constexpr,
    VALID: tl.constexpr,
    PRECISION: tl.constexpr,
    BLOCK: tl.constexpr,
    BLOCK_MET: tl.constexpr,
    BLOCK_OUT: tl.constexpr,
    WIDTH: tl.constexpr,
):
    """Write y, with queries that walk over keys and v; or, TURNED, dv, with keys that walk over queries and dy."""
    tiles = tl.cdiv(size, BLOCK)
    batch, first, inside = place(tl.program_id(0) // tiles, length, size)
    row, here = batch * length + first, tl.program_id(0) % tiles * BLOCK
    mine, columns = here + tl.arange(0, BLOCK), tl.program_id(1) * BLOCK_OUT + tl.arange(0, BLOCK_OUT)
    own += batch * own_batch + first * own_step
    other += batch * other_batch + first * other_step
    given += batch * given_batch + first * given_step
    total = tl.zeros((BLOCK, BLOCK_OUT), tl.float32)
    for start in range(here if CAUSAL and TURNED else 0, last_met(here, inside, TURNED, CAUSAL, BLOCK), BLOCK_MET):
        met = start + tl.arange(0, BLOCK_MET)
        scores, _, visible = scored(
            *(own, own_step, other, other_step, bias, bias_step, valid, seen, row, mine, met, inside, shared),
            *(TURNED, CAUSAL, BIAS, VALID, PRECISION, WIDTH),
        )
        weights = tl.where(visible, weigh(scores, LAPLACE), 0.0)
        total += tl.dot(weights, load_rows(given, given_step, met, columns, inside, value), input_precision=PRECISION)
    cells = out + row * value + (mine[:, None] * value + columns)
    tl.store(cells, total.to(out.dtype.element_ty), (mine < inside)[:, None] & (columns < value))


def forward(operands: Operands) -> Tensor:
    operands = in_place(operands)
    return weighted(operands, operands.v, turned=False)


def weighted(operands: Operands, given: Tensor, *, turned: bool) -> Tensor:
    """Return y, given v; or, turned, dv, given dy."""
    q, k, v, *_ = operands
    own, other = (k, q) if turned else (q, k)
    out = v.new_empty(v.shape)
    programs, tile = chunks_of(operands) * tiles_of(operands), tile_of(operands, v)
    launch(
        attend,
        (programs, -(-v.shape[2] // tile["BLOCK_OUT"])),
        *(own, other, given, operands.bias, operands.valid, seen_by_each(operands), out),
        *(*strides(own, other, given), *sizes(operands)),
        TURNED=turned,
        **tile,
    )
    return out


def in_place(operands: Operands) -> Operands:
    """Copy only what the kernels cannot read in place; booleans become bytes."""
    rows = {name: as_rows(x) for name in ("q", "k", "v", "bias") if (x := getattr(operands, name)) is not None}
    valid = None if operands.valid is None else operands.valid.contiguous().view(torch.uint8)
    return operands._replace(**rows, valid=valid)


def seen_by_each(operands: Operands) -> Tensor | None:
    """Return how many keys each query sees (batch, length), at least one; None if its position determines that."""
    if operands.valid is None:
        return None
    folded = torch_form.fold(operands.valid[..., None], operands.size)
    counts = folded.cumsum(2) if operands.causal else folded.sum(2, keepdim=True).expand_as(folded)
    return counts.flatten(1)[:, : operands.q.shape[1]].clamp(min=1).float().contiguous()


def chunks_of(operands: Operands) -> int:
    return len(operands.q) * -(-operands.q.shape[1] // operands.size)


def tiles_of(operands: Operands) -> int:
    return -(-operands.size // _block(operands))


def _block(operands: Operands) -> int:
    return min(LARGEST, max(16, power_of_two(operands.size)))


def sizes(operands: Operands) -> tuple[int, ...]:
    """Return the stride of the bias, the length, the positions per chunk, and the widths of keys and values."""
    q, _, v, bias, *_ = operands
    return 0 if bias is None else bias.stride(0), q.shape[1], operands.size, q.shape[2], v.shape[2]


def tile_of(operands: Operands, out: Tensor) -> dict[str, Any]:
    """Return the constants that a kernel with results as wide as `out` is compiled for."""
    precision = "tf32x3" if operands.v.dtype == torch.float32 else "tf32"
    return {
        "LAPLACE": operands.weighting == "laplace",
        "CAUSAL": operands.causal,
        "BIAS": operands.bias is not None,
        "VALID": operands.valid is not None,
        "PRECISION": precision,
        "BLOCK": _block(operands),
        "BLOCK_MET": min(LARGEST_MET, _block(operands)),
        "BLOCK_OUT": min(WIDEST[precision], max(16, power_of_two(out.shape[2]))),
        "WIDTH": WIDTH[precision],
        "num_warps": 4 if _block(operands) == 16 else 8,
    }
