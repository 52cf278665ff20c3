"""Which path the recurrence of matrix states takes."""

from __future__ import annotations

from types import ModuleType
from typing import Literal

from torch import Tensor

from ..paths import note
from ..triton_support import usable
from . import chunked
from .operands import Gradients, Operands

Path = Literal["triton", "chunked"]


def path(x: Tensor) -> Path:
    """Return the path that a recurrence with inputs `x` takes.

    "triton"
        On a GPU, in any precision but double.
    "chunked"
        Else: plain torch, with matrix products within chunks and a recurrence across them.
    """
    return "triton" if usable(x) else "chunked"


def checkpoint_shape(operands: Operands) -> tuple[int, ...]:
    """Return the shape of the states that the forward pass keeps for the backward pass."""
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
    if taken == "chunked":
        return chunked
    from . import triton_backward, triton_outputs

    return triton_backward if backward else triton_outputs
