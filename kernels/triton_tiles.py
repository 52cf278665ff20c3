"""How Triton kernels load tiles of rows."""

# pyright: reportIndexIssue=false

from __future__ import annotations

import triton
import triton.language as tl


@triton.jit
def rows_of(x, step, rows, columns, rows_inside, columns_inside):
    """Load rows as float32 (rows, columns), zero where there are none."""
    mask = (rows < rows_inside)[:, None] & (columns < columns_inside)
    return tl.load(x + rows[:, None] * step + columns, mask, 0.0).to(tl.float32)


@triton.jit
def turned(x, ROWS: tl.constexpr, COLUMNS: tl.constexpr):
    """Return `x` (ROWS, COLUMNS) with its last row first; ROWS is a power of two, of 64 at the most.

    Where a lane holds its columns whole, that is another choice of registers and no instruction.
    `tl.associative_scan` in reverse instead moves every entry through all lanes, twice.
    """
    for bit in tl.static_range(6):  # pyright: ignore[reportGeneralTypeIssues]
        if (1 << bit) < ROWS:
            pairs = tl.permute(tl.reshape(x, (ROWS >> (bit + 1), 2, 1 << bit, COLUMNS)), (0, 2, 3, 1))
            first, second = tl.split(pairs)
            x = tl.reshape(tl.permute(tl.join(second, first), (0, 3, 1, 2)), (ROWS, COLUMNS))
    return x
