"""In which precision the operations compute."""

from __future__ import annotations

import torch
from torch import Tensor

from .triton_support import usable

_ACCUMULATOR = {
    torch.float64: torch.float64,
    torch.complex64: torch.complex64,
    torch.complex128: torch.complex128,
}


def accumulator(*dtypes: torch.dtype) -> torch.dtype:
    """Return the dtype to compute in for operands of these: half precision is computed in float32."""
    wide = dtypes[0]
    for dtype in dtypes[1:]:
        wide = torch.promote_types(wide, dtype)
    return _ACCUMULATOR.get(wide, torch.float32)


def stored(x: Tensor) -> torch.dtype:
    """Return the dtype to hand rows over in: their own where a Triton kernel reads them, else the accumulator."""
    return x.dtype if usable(x) else accumulator(x.dtype)
