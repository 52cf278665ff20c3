"""The product of the Mu-Layer on a GPU: a few whole rows a program, both norms from registers."""

# pyright: reportCallIssue=false, reportArgumentType=false, reportIndexIssue=false, reportGeneralTypeIssues=false

from __future__ import annotations

import triton
import triton.language as tl


@triton.jit
def _source(source, source_batch, b, t, d, inside, length, channels, GROUPS: tl.constexpr):
    """Return the position that each channel of row t is read from."""
    group = ((d + 1) * GROUPS - 1) // channels
    places = source + b[:, None] * source_batch + t[:, None] * GROUPS + group[None, :]
    return tl.load(places, mask=inside, other=0).to(tl.int64)


@triton.jit
def _norm(x, mean, scale, weight, bias):
    """Return a factor without its weight and bias, and with them."""
    h = (x - mean[:, None]) * scale[:, None]
    return h, h * weight[None, :] + bias[None, :]


@triton.jit
def _statistics(x, held, channels, eps):
    mean = tl.sum(x, 1) / channels
    centred = tl.where(held[None, :], x - mean[:, None], 0.0)
    return mean, 1.0 / tl.sqrt(tl.sum(centred * centred, 1) / channels + eps)


@triton.jit
def _small(pointer, d, held):
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
        read = _source(source, source_batch, b, t, d, inside, length, channels, GROUPS)
        first = tl.load(a + b[:, None] * a_batch + read * a_step + d[None, :], mask=inside, other=0.0).to(tl.float32)
    else:
        first = tl.load(a + (b * a_batch + t * a_step)[:, None] + d[None, :], mask=inside, other=0.0).to(tl.float32)
    second = tl.load(c + (b * c_batch + t * c_step)[:, None] + d[None, :], mask=inside, other=0.0).to(tl.float32)
    mean_a, scale_a = _statistics(first, held, channels, eps)
    mean_c, scale_c = _statistics(second, held, channels, eps)
    _, na = _norm(first, mean_a, scale_a, _small(weight_a, d, held), _small(bias_a, d, held))
    _, nc = _norm(second, mean_c, scale_c, _small(weight_c, d, held), _small(bias_c, d, held))
    out = na + tl.load(alpha).to(tl.float32) * na * nc
    tl.store(y + row[:, None] * channels + d[None, :], out.to(y.dtype.element_ty), mask=inside)
    tl.store(stats + row * 4, mean_a, mask=row < rows)
    tl.store(stats + row * 4 + 1, scale_a, mask=row < rows)
    tl.store(stats + row * 4 + 2, mean_c, mask=row < rows)
    tl.store(stats + row * 4 + 3, scale_c, mask=row < rows)


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

    With a source, da is float32 zeros to which is added: at most two rows of a shift read from one position, and the
    sum of two numbers does not depend on their order. dweights is (programs, 4, channels).
    """
    d = tl.arange(0, BLOCK_D)
    held = d < channels
    wa, ba = _small(weight_a, d, held), _small(bias_a, d, held)
    wc, bc = _small(weight_c, d, held), _small(bias_c, d, held)
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
            read = _source(source, source_batch, b, t, d, inside, length, channels, GROUPS)
            first = tl.load(a + b[:, None] * a_batch + read * a_step + d[None, :], mask=inside, other=0.0)
        else:
            first = tl.load(a + (b * a_batch + t * a_step)[:, None] + d[None, :], mask=inside, other=0.0)
        second = tl.load(c + (b * c_batch + t * c_step)[:, None] + d[None, :], mask=inside, other=0.0)
        through = tl.load(dy + (b * dy_batch + t * dy_step)[:, None] + d[None, :], mask=inside, other=0.0)
        through = through.to(tl.float32)
        scale_a = tl.load(stats + row * 4 + 1, mask=there, other=0.0)
        scale_c = tl.load(stats + row * 4 + 3, mask=there, other=0.0)
        ha, na = _norm(first.to(tl.float32), tl.load(stats + row * 4, mask=there, other=0.0), scale_a, wa, ba)
        hc, nc = _norm(second.to(tl.float32), tl.load(stats + row * 4 + 2, mask=there, other=0.0), scale_c, wc, bc)
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
