"""What Triton kernels compute by powers and logarithms of two, which a GPU has as single instructions."""

# pyright: reportCallIssue=false, reportArgumentType=false

from __future__ import annotations

import math

import triton
import triton.language as tl

LOG2_E = tl.constexpr(math.log2(math.e))
LN_2 = tl.constexpr(math.log(2))


@triton.jit
def sigmoid(x):
    """Return ``1 / (1 + exp(-x))``."""
    return 1.0 / (1.0 + tl.exp2(-x * LOG2_E))
