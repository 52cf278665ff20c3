"""Which path the moving averages take."""

from __future__ import annotations

from types import ModuleType
from typing import Literal

import torch
from torch import Tensor

from ..paths import note
from ..triton_support import usable
from . import chunked, fused
from .operands import Gradients, Operands

Path = Literal["triton", "c", "chunked"]


def path(x: Tensor) -> Path:
    """Return the path that moving averages of `x` take.

    "triton"
        On a GPU, in any precision but double.
    "c"
        float32 on the CPU, where a C compiler is found.
    "chunked"
        Else: matrix products in plain torch within chunks, a recurrence across them.
    """
    if usable(x):
        return "triton"
    return "c" if x.dtype == torch.float32 and x.device.type == "cpu" and fused.available() else "chunked"


def checkpoint_shape(operands: Operands) -> tuple[int, ...]:
    """Return the shape of the averages that the forward pass keeps for the backward pass."""
    taken = path(operands.x)
    if taken == "triton":
        from . import triton_averages

        return operands.checkpoint_shape(triton_averages.segment(operands))
    return operands.checkpoint_shape(fused.CHUNK if taken == "c" else chunked.CHUNK)


def run_forward(operands: Operands) -> tuple[Tensor, Tensor, Tensor]:
    """Return outputs, final state and checkpoints, by the path that suits the operands."""
    return _module(operands).forward(operands)


def run_backward(operands: Operands, checkpoints: Tensor, dy: Tensor, dfinal: Tensor | None) -> Gradients:
    """Return the gradients of all operands, by the path that suits them."""
    return _module(operands).backward(operands, checkpoints, dy, dfinal)


def _module(operands: Operands) -> ModuleType:
    taken = path(operands.x)
    note("ema", taken)
    if taken == "triton":
        from . import triton_averages

        return triton_averages
    return {"c": fused, "chunked": chunked}[taken]
