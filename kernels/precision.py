"""The precision in which operations compute."""

from __future__ import annotations

import functools

import torch
from torch import Tensor

from .paths import runs_triton

_ACCUMULATOR = {dtype: dtype for dtype in (torch.float64, torch.complex64, torch.complex128)}


def accumulator(*dtypes: torch.dtype) -> torch.dtype:
    """Return the dtype to compute in for operands of these dtypes: float32 for half precision."""
    return _ACCUMULATOR.get(functools.reduce(torch.promote_types, dtypes), torch.float32)


def stored(x: Tensor) -> torch.dtype:
    """Return the dtype in which a kernel reads `x`: its own if that is a Triton kernel, else the accumulator's."""
    return x.dtype if runs_triton(x) else accumulator(x.dtype)
