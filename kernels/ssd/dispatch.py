"""Which path the recurrence of matrix states takes."""

from __future__ import annotations

from typing import Literal

from torch import Tensor

from ..paths import note
from . import chunked
from .operands import Gradients, Operands

Path = Literal["chunked"]


def path(x: Tensor) -> Path:
    """Return the path that a recurrence with inputs `x` takes.

    "chunked"
        Plain torch: matrix products within chunks, a recurrence across them.
    """
    return "chunked"


def checkpoint_shape(operands: Operands) -> tuple[int, ...]:
    """Return the shape of the states that the forward pass keeps for the backward pass."""
    steps = chunked.chunk_steps(operands)
    return operands.x.shape[0], -(-operands.x.shape[1] // steps), *operands.state_shape[1:]


def run_forward(operands: Operands) -> tuple[Tensor, Tensor, Tensor]:
    """Return outputs, final state and checkpoints, by the path that suits the operands."""
    note("ssd", path(operands.x))
    return chunked.forward(operands)


def run_backward(operands: Operands, checkpoints: Tensor, dy: Tensor, dfinal: Tensor | None) -> Gradients:
    """Return the gradients of all operands, by the path that suits them."""
    note("ssd", path(operands.x))
    return chunked.backward(operands, checkpoints, dy, dfinal)
