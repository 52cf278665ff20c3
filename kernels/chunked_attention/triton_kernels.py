"""Attention in chunks on a GPU, where each key is weighed by itself: no weight is ever written.

A program holds a tile of a chunk's queries and walks over tiles of its keys; or, turned, a tile of keys and walks over
queries. Scores are formed at every meeting of the two, in either pass. Products are TensorFloat-32 of float32 tiles,
three for each where the values are float32.
"""

# pyright: reportCallIssue=false, reportArgumentType=false, reportIndexIssue=false, reportGeneralTypeIssues=false

from __future__ import annotations

import math

import triton
import triton.language as tl

from ..triton_math import LOG2_E
from ..triton_tiles import rows_of
from . import weighting

CENTRE = tl.constexpr(weighting.CENTRE)
SHARPNESS = tl.constexpr(weighting.SHARPNESS)
STEEPEST = tl.constexpr(weighting.SHARPNESS / math.sqrt(math.pi))


@triton.jit
def weigh(scores, LAPLACE: tl.constexpr):
    """Return the weights: Laplace's function, or the square of the positive part."""
    if LAPLACE:
        weights = 0.5 * (1.0 + tl.math.erf((scores - CENTRE) * SHARPNESS))
    else:
        weights = tl.maximum(scores, 0.0) * tl.maximum(scores, 0.0)
    return weights


@triton.jit
def slope(scores, LAPLACE: tl.constexpr):
    """Return the derivative of `weigh`."""
    if LAPLACE:
        z = (scores - CENTRE) * SHARPNESS
        found = STEEPEST * tl.exp2(-z * z * LOG2_E)
    else:
        found = 2.0 * tl.maximum(scores, 0.0)
    return found


@triton.jit
def place(index, length, size):
    """Return row, first position and positions of one of all rows' chunks."""
    chunks = tl.cdiv(length, size)
    first = (index % chunks).to(tl.int64) * size
    return (index // chunks).to(tl.int64), first, tl.minimum(length - first, size).to(tl.int32)


@triton.jit
def last_met(here, inside, TURNED: tl.constexpr, CAUSAL: tl.constexpr, BLOCK: tl.constexpr):
    """Return where the walk of the tile that begins at `here` ends."""
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
        across = tl.trans(rows_of(b, b_step, j, c, inside, channels))
        total += tl.dot(rows_of(a, a_step, i, c, inside, channels), across, input_precision=PRECISION)
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
    """Return the scores (mine, met), the number of keys that each query sees, and where one sees the other."""
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
    """Write y, of queries that walk over keys and v; or, TURNED, dv, of keys that walk over queries and dy."""
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
        total += tl.dot(weights, rows_of(given, given_step, met, columns, inside, value), input_precision=PRECISION)
    cells = out + row * value + (mine[:, None] * value + columns)
    tl.store(cells, total.to(out.dtype.element_ty), (mine < inside)[:, None] & (columns < value))


@triton.jit
def differentiate(
    own,
    other,
    through,
    met_through,
    bias,
    valid,
    seen,
    out,
    dbias,
    own_batch,
    own_step,
    other_batch,
    other_step,
    through_batch,
    through_step,
    met_through_batch,
    met_through_step,
    bias_step,
    length,
    size,
    shared,
    value,
    chunks,
    share,
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
    """Write dq, of queries that walk over keys; or, TURNED, dk, of keys that walk over queries.

    A weight's gradient is the product of `through` with `met_through`, dy with v or v with dy. A program takes `share`
    chunks one after the other, and adds their scores' gradients to its part of dbias (parts, size, size), zero before.
    """
    tiles = tl.cdiv(size, BLOCK)
    part, here = tl.program_id(0) // tiles, tl.program_id(0) % tiles * BLOCK
    mine, columns = here + tl.arange(0, BLOCK), tl.program_id(1) * BLOCK_OUT + tl.arange(0, BLOCK_OUT)
    for index in range(part * share, tl.minimum(part * share + share, chunks)):
        batch, first, inside = place(index, length, size)
        row = batch * length + first
        near = own + batch * own_batch + first * own_step
        far = other + batch * other_batch + first * other_step
        near_through = through + batch * through_batch + first * through_step
        far_through = met_through + batch * met_through_batch + first * met_through_step
        total = tl.zeros((BLOCK, BLOCK_OUT), tl.float32)
        for start in range(here if CAUSAL and TURNED else 0, last_met(here, inside, TURNED, CAUSAL, BLOCK), BLOCK_MET):
            met = start + tl.arange(0, BLOCK_MET)
            scores, n, visible = scored(
                *(near, own_step, far, other_step, bias, bias_step, valid, seen, row, mine, met, inside, shared),
                *(TURNED, CAUSAL, BIAS, VALID, PRECISION, WIDTH),
            )
            dweights = products(
                *(near_through, through_step, far_through, met_through_step, mine, met, inside, value),
                *(PRECISION, WIDTH),
            )
            dscores = tl.where(visible, slope(scores, LAPLACE) * dweights, 0.0)
            total += tl.dot(
                dscores / n, rows_of(far, other_step, met, columns, inside, shared), input_precision=PRECISION
            )
            if BIAS and not TURNED:
                pairs = dbias + part.to(tl.int64) * size * size + (mine[:, None] * size + met)
                counted = visible & (tl.program_id(1) == 0)
                tl.store(pairs, tl.load(pairs, counted, 0.0) + dscores, counted)
        cells = out + row * shared + (mine[:, None] * shared + columns)
        tl.store(cells, total.to(out.dtype.element_ty), (mine < inside)[:, None] & (columns < shared))
        tl.debug_barrier()  # the next chunk adds to what this one wrote
