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
