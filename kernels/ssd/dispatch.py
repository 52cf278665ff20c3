"""Which path the recurrence of matrix states takes."""

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
    """Return the path that a recurrence with inputs `x` takes.

    "triton"
        On a GPU, in any precision but double.
    "c"
        float32 on the CPU, where a C compiler is found: the recurrence itself, whose states stay in the cache.
    "chunked"
        Else: plain torch, with matrix products within chunks and a recurrence across them.
    """
    if usable(x):
        return "triton"
    return "c" if x.dtype == torch.float32 and x.device.type == "cpu" and fused.available() else "chunked"


def checkpoint_shape(operands: Operands) -> tuple[int, ...]:
    """Return the shape of the states that the forward pass keeps for the backward pass."""
    if path(operands.x) == "c":
        return fused.checkpoint_shape(operands)
    steps = chunked.chunk_steps(operands.by_channel)
    return operands.x.shape[0], -(-operands.x.shape[1] // steps), *operands.state_shape[1:]


def run_forward(operands: Operands) -> tuple[Tensor, Tensor, Tensor]:
    """Return outputs, final state and checkpoints, by the path that suits the operands."""
    return _module(operands.x, backward=False).forward(operands)


def run_backward(operands: Operands, checkpoints: Tensor, dy: Tensor, dfinal: Tensor | None) -> Gradients:
    """Return the gradients of all operands, by the path that suits them."""
    return _module(operands.x, backward=True).backward(operands, checkpoints, dy, dfinal)


def _module(x: Tensor, *, backward: bool) -> ModuleType:
    taken = path(x)
    note("ssd", taken)
    if taken != "triton":
        return fused if taken == "c" else chunked
    from . import triton_backward, triton_outputs

    return triton_backward if backward else triton_outputs
