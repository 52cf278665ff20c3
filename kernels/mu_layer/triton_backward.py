"""The product of the Mu-Layer in Triton, backward."""

from __future__ import annotations

import torch
import triton
import triton.language as tl
from torch import Tensor

from ..native import as_rows
from ..registration import Gradients
from ..triton_launch import launch, strides
from .operation import Operands
from .triton_forward import groups, in_place, input_strides, norm, sizes, small, source_of, tile_of

TILES = 16
"""Tiles of rows per program, so that there are few parts of the weights' gradients."""


@triton.jit
def _norm_backward(dh, h, scale, held, channels):
    dh = tl.where(held[None, :], dh, 0.0)
    mean = tl.sum(dh, 1) / channels
    along = tl.sum(dh * h, 1) / channels
    return scale[:, None] * (dh - mean[:, None] - h * along[:, None])


@triton.jit
def backward_kernel(
    a,
    c,
    weight_a,
    bias_a,
    weight_c,
    bias_c,
    alpha,
    source,
    stats,
    dy,
    da,
    dc,
    dweights,
    dalpha,
    a_batch,
    a_step,
    c_batch,
    c_step,
    source_batch,
    dy_batch,
    dy_step,
    rows,
    length,
    channels,
    GROUPS: tl.constexpr,
    TILES: tl.constexpr,
    BLOCK_ROWS: tl.constexpr,
    BLOCK_D: tl.constexpr,
):
    """Write da, dc, and this program's part of the other gradients, over TILES tiles of rows.

    With a source, rows are added to da, which starts as float32 zeros: at most two rows of a shift read from one
    position, and the sum of two numbers does not depend on their order. dweights is (programs, 4, channels).
    """
    d = tl.arange(0, BLOCK_D)
    held = d < channels
    wa, ba = small(weight_a, d, held), small(bias_a, d, held)
    wc, bc = small(weight_c, d, held), small(bias_c, d, held)
    factor = tl.load(alpha).to(tl.float32)
    dwa = tl.zeros((BLOCK_D,), tl.float32)
    dba = tl.zeros((BLOCK_D,), tl.float32)
    dwc = tl.zeros((BLOCK_D,), tl.float32)
    dbc = tl.zeros((BLOCK_D,), tl.float32)
    dal = tl.zeros((BLOCK_D,), tl.float32)
    for tile in range(TILES):
        row = (tl.program_id(0).to(tl.int64) * TILES + tile) * BLOCK_ROWS + tl.arange(0, BLOCK_ROWS)
        there = row < rows
        inside = there[:, None] & held[None, :]
        b, t = row // length, row % length
        if GROUPS:
            read = source_of(source, source_batch, b, t, d, inside, length, channels, GROUPS)
            first = tl.load(a + b[:, None] * a_batch + read * a_step + d[None, :], mask=inside, other=0.0)
        else:
            first = tl.load(a + (b * a_batch + t * a_step)[:, None] + d[None, :], mask=inside, other=0.0)
        second = tl.load(c + (b * c_batch + t * c_step)[:, None] + d[None, :], mask=inside, other=0.0)
        through = tl.load(dy + (b * dy_batch + t * dy_step)[:, None] + d[None, :], mask=inside, other=0.0)
        through = through.to(tl.float32)
        scale_a = tl.load(stats + row * 4 + 1, mask=there, other=0.0)
        scale_c = tl.load(stats + row * 4 + 3, mask=there, other=0.0)
        ha, na = norm(first.to(tl.float32), tl.load(stats + row * 4, mask=there, other=0.0), scale_a, wa, ba)
        hc, nc = norm(second.to(tl.float32), tl.load(stats + row * 4 + 2, mask=there, other=0.0), scale_c, wc, bc)
        dna = through * (1.0 + factor * nc)
        dnc = through * factor * na
        dwa += tl.sum(dna * ha, 0)
        dba += tl.sum(dna, 0)
        dwc += tl.sum(dnc * hc, 0)
        dbc += tl.sum(dnc, 0)
        dal += tl.sum(through * na * nc, 0)
        found = _norm_backward(dna * wa[None, :], ha, scale_a, held, channels)
        place = row[:, None] * channels + d[None, :]
        if GROUPS:
            tl.atomic_add(da + (b * length)[:, None] * channels + read * channels + d[None, :], found, mask=inside)
        else:
            tl.store(da + place, found.to(da.dtype.element_ty), mask=inside)
        found = _norm_backward(dnc * wc[None, :], hc, scale_c, held, channels)
        tl.store(dc + place, found.to(dc.dtype.element_ty), mask=inside)
    part = dweights + tl.program_id(0).to(tl.int64) * 4 * channels + d
    tl.store(part, dwa, mask=held)
    tl.store(part + channels, dba, mask=held)
    tl.store(part + 2 * channels, dwc, mask=held)
    tl.store(part + 3 * channels, dbc, mask=held)
    tl.store(dalpha + tl.program_id(0), tl.sum(dal, 0))


def backward(operands: Operands, stats: Tensor, dy: Tensor) -> Gradients:
    """Return the gradients of all operands but the source; those of weights, biases and alpha in float32."""
    operands, dy = in_place(operands), as_rows(dy)
    a, tile = operands.a, tile_of(operands.a)
    programs = -(-a.shape[0] * a.shape[1] // (tile["BLOCK_ROWS"] * TILES))
    da = a.new_empty(a.shape) if operands.source is None else torch.zeros(a.shape, device=a.device)
    dc = a.new_empty(a.shape)
    dweights = torch.empty(programs, 4, a.shape[2], device=a.device)
    dalpha = dweights.new_empty(programs)
    given = (*input_strides(operands), *strides(dy), *sizes(a))
    written = (stats, dy, da, dc, dweights, dalpha)
    constants = {"GROUPS": groups(operands), "TILES": TILES, **tile}
    launch(backward_kernel, (programs,), *operands[:8], *written, *given, **constants)
    return da.to(a.dtype), dc, *(part.sum(0) for part in dweights.unbind(1)), dalpha.sum()
