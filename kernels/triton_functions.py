"""Functions of several Triton kernels, with powers and logarithms of two: single instructions on a GPU."""

# Pyright takes the body of a kernel for plain Python.
# pyright: reportCallIssue=false, reportArgumentType=false, reportIndexIssue=false, reportGeneralTypeIssues=false

from __future__ import annotations

import math

import triton
import triton.language as tl

LOG2_E = tl.constexpr(math.log2(math.e))
LN_2 = tl.constexpr(math.log(2))


@triton.jit
def sigmoid(x):
    return 1.0 / (1.0 + tl.exp2(-x * LOG2_E))


@triton.jit
def compose(a, b, c, d):
    """Return the map ``h -> a h + b`` followed by ``h -> c h + d``, for scans."""
    return a * c, b * c + d


@triton.jit
def compose_complex(ar, ai, br, bi, cr, ci, dr, di):
    return ar * cr - ai * ci, ar * ci + ai * cr, br * cr - bi * ci + dr, br * ci + bi * cr + di


@triton.jit
def load_rows(x, step, rows, columns, rows_inside, columns_inside):
    """Load rows as float32 (rows, columns), zero outside."""
    mask = (rows < rows_inside)[:, None] & (columns < columns_inside)
    return tl.load(x + rows[:, None] * step + columns, mask, 0.0).to(tl.float32)


@triton.jit
def reverse_rows(x, ROWS: tl.constexpr, COLUMNS: tl.constexpr):
    """Return `x` (ROWS, COLUMNS) with its last row first; ROWS is a power of two, at most 64.

    If each lane holds whole columns, this only renames registers and costs no instruction. `tl.associative_scan` in
    reverse instead moves every entry through all lanes, twice.
    """
    for bit in tl.static_range(6):
        if (1 << bit) < ROWS:
            pairs = tl.permute(tl.reshape(x, (ROWS >> (bit + 1), 2, 1 << bit, COLUMNS)), (0, 2, 3, 1))
            first, second = tl.split(pairs)
            x = tl.reshape(tl.permute(tl.join(second, first), (0, 3, 1, 2)), (ROWS, COLUMNS))
    return x
