"""Attention in chunks in Triton, backward: dq and dk like y and dv in `triton_forward`, and the bias's gradient."""

# Pyright takes the body of a kernel for plain Python.
# pyright: reportCallIssue=false, reportArgumentType=false, reportIndexIssue=false, reportGeneralTypeIssues=false

from __future__ import annotations

import math

import torch
import triton
import triton.language as tl
from torch import Tensor

from ..native import as_rows
from ..registration import Gradients
from ..triton_functions import LOG2_E, load_rows
from ..triton_launch import launch, strides
from . import torch_form
from .operation import Operands
from .triton_forward import (
    CENTER,
    SHARPNESS,
    chunks_of,
    in_place,
    last_met,
    place,
    products,
    scored,
    seen_by_each,
    sizes,
    tile_of,
    tiles_of,
    weighted,
)

STEEPEST = tl.constexpr(torch_form.SHARPNESS / math.sqrt(math.pi))

PARTS_ENTRIES = 2**23
"""Maximum number of entries of all parts of the gradient of the bias, unless a single part has more."""


@triton.jit
def slope(scores, LAPLACE: tl.constexpr):
    """Return the derivative of `weigh`."""
    if LAPLACE:
        z = (scores - CENTER) * SHARPNESS
        found = STEEPEST * tl.exp2(-z * z * LOG2_E)
    else:
        found = 2.0 * tl.maximum(scores, 0.0)
    return found


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
    """Write dq, with queries that walk over keys; or, TURNED, dk, with keys that walk over queries.

    The gradient of a weight is the product of `through` with `met_through`: dy with v, or v with dy. A program takes
    `share` chunks one after the other, and adds the gradients of their scores to its part of dbias (parts, size, size),
    which starts at zero.
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
                dscores / n, load_rows(far, other_step, met, columns, inside, shared), input_precision=PRECISION
            )
            if BIAS and not TURNED:
                pairs = dbias + part.to(tl.int64) * size * size + (mine[:, None] * size + met)
                counted = visible & (tl.program_id(1) == 0)
                tl.store(pairs, tl.load(pairs, counted, 0.0) + dscores, counted)
        cells = out + row * shared + (mine[:, None] * shared + columns)
        tl.store(cells, total.to(out.dtype.element_ty), (mine < inside)[:, None] & (columns < shared))
        tl.debug_barrier()  # the next chunk adds to what this one wrote


def backward(operands: Operands, dy: Tensor) -> Gradients:
    operands, dy = in_place(operands), as_rows(dy)
    dq, dbias = _differentiate(operands, dy, turned=False)
    dk, _ = _differentiate(operands, dy, turned=True)
    return dq, dk, weighted(operands, dy, turned=True), dbias


def _differentiate(operands: Operands, dy: Tensor, *, turned: bool) -> tuple[Tensor, Tensor | None]:
    """Return dq and dbias; or, turned, dk and None."""
    q, k, v, bias, *_ = operands
    own, other, through, met_through = (k, q, v, dy) if turned else (q, k, dy, v)
    out = own.new_empty(own.shape)
    chunks, tile = chunks_of(operands), tile_of(operands, own)
    share, parts = 1, None
    if bias is not None and not turned:
        share = -(-chunks // max(1, PARTS_ENTRIES // bias.numel()))
        parts = bias.new_empty(-(-chunks // share), *bias.shape, dtype=torch.float32).zero_()
    launch(
        differentiate,
        (-(-chunks // share) * tiles_of(operands), -(-own.shape[2] // tile["BLOCK_OUT"])),
        *(own, other, through, met_through, bias, operands.valid, seen_by_each(operands), out, parts),
        *(*strides(own, other, through, met_through), *sizes(operands), chunks, share),
        TURNED=turned,
        **tile,
    )
    return out, None if bias is None or parts is None else parts.sum(0).to(bias.dtype)
