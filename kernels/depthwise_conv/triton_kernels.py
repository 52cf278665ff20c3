"""The depthwise convolution on a GPU: tiles of time by channels, one shifted load a tap, most from the caches."""

# pyright: reportCallIssue=false, reportArgumentType=false, reportIndexIssue=false, reportGeneralTypeIssues=false

from __future__ import annotations

import triton
import triton.language as tl

from ..triton_math import sigmoid


@triton.jit
def _rows(pointer, step, t, d, length, channels):
    """Load rows t of channels d as float32, zero outside the sequence."""
    inside = ((t >= 0) & (t < length))[:, None] & (d < channels)[None, :]
    return tl.load(pointer + t[:, None].to(tl.int64) * step + d[None, :], mask=inside, other=0.0).to(tl.float32)


@triton.jit
def _sums(x, step, weight, bias, t, d, length, channels, dilation, left, TAPS: tl.constexpr, BIAS: tl.constexpr):
    """Return the sums before the activation at positions t: one more multiply-add a tap."""
    total = tl.zeros((t.shape[0], d.shape[0]), tl.float32)
    if BIAS:
        total += tl.load(bias + d, mask=d < channels, other=0.0).to(tl.float32)[None, :]
    for k in range(TAPS):
        w = tl.load(weight + k * channels + d, mask=d < channels, other=0.0).to(tl.float32)
        total += w[None, :] * _rows(x, step, t + k * dilation - left, d, length, channels)
    return total


@triton.jit
def _place(length, BLOCK_T: tl.constexpr, BLOCK_D: tl.constexpr):
    """Return batch row, positions and channels of this program."""
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
    """Write act(sums) (+ x): reads a tile of x and its shifted neighbours, writes a tile of y."""
    b, t, d = _place(length, BLOCK_T, BLOCK_D)
    x += b * x_batch
    out = _sums(x, x_step, weight, bias, t, d, length, channels, dilation, left, TAPS, BIAS)
    if SILU:
        out = out * sigmoid(out)
    if RESIDUAL:
        out += _rows(x, x_step, t, d, length, channels)
    place = (b * length + t[:, None]) * channels + d[None, :]
    tl.store(y + place, out.to(y.dtype.element_ty), mask=(t < length)[:, None] & (d < channels)[None, :])


@triton.jit
def _dsums(
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
    """Return the gradient by the sums before the activation at positions t, zero outside the sequence."""
    through = _rows(dy, dy_step, t, d, length, channels)
    if SILU:
        total = _sums(x, x_step, weight, bias, t, d, length, channels, dilation, left, TAPS, BIAS)
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
    """Write the gradient by the sums before a SiLU, for filters too wide to run them again at every tap."""
    b, t, d = _place(length, BLOCK_T, BLOCK_D)
    x += b * x_batch
    dy += b * dy_batch
    found = _dsums(x, x_step, dy, dy_step, weight, bias, t, d, length, channels, dilation, left, TAPS, BIAS, True)
    place = (b * length + t[:, None]) * channels + d[None, :]
    tl.store(dsum + place, found.to(dsum.dtype.element_ty), mask=(t < length)[:, None] & (d < channels)[None, :])


@triton.jit(do_not_specialize=["dilation"])  # of a dilation of one the compiler makes more than registers hold
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

    With SILU the gradient by the sums is formed from `dsum`, then the gradient by y, at every tap; else it is `dsum`.
    dweight is (programs of time, TAPS, channels) and dbias (programs of time, channels): parts are summed after, in a
    fixed order. dbias is written where a tap lies on the output's own position.
    """
    b, t, d = _place(length, BLOCK_T, BLOCK_D)
    x += b * x_batch
    dsum += b * dsum_batch
    own = _rows(x, x_step, t, d, length, channels)
    total = tl.zeros((BLOCK_T, BLOCK_D), tl.float32)
    if RESIDUAL:
        total += _rows(dy + b * dy_batch, dy_step, t, d, length, channels)
    part = dweight + tl.program_id(0).to(tl.int64) * TAPS * channels + d
    for k in range(TAPS):
        reader = t + left - k * dilation
        found = _dsums(
            x, x_step, dsum, dsum_step, weight, bias, reader, d, length, channels, dilation, left, TAPS, BIAS, SILU
        )
        w = tl.load(weight + k * channels + d, mask=d < channels, other=0.0).to(tl.float32)
        total += w[None, :] * found
        tl.store(part + k * channels, tl.sum(found * own, 0), mask=d < channels)
        if BIAS:  # noqa: SIM102 (BIAS is known when compiling)
            if left == k * dilation:  # this tap's reader is the position itself: here every output is met once
                own_part = dbias + tl.program_id(0).to(tl.int64) * channels + d
                tl.store(own_part, tl.sum(found, 0), mask=d < channels)
    place = (b * length + t[:, None]) * channels + d[None, :]
    tl.store(dx + place, total.to(dx.dtype.element_ty), mask=(t < length)[:, None] & (d < channels)[None, :])
