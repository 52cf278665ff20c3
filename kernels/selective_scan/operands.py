"""What the selective scan is given, gathered under one name."""

from __future__ import annotations

from typing import NamedTuple

from torch import Tensor

CHUNK = 64
"""Steps between two states kept for the backward pass, which runs the steps between them again."""


class Operands(NamedTuple):
    """The arguments of `selective_scan`, all of one dtype and on one device."""

    u: Tensor
    delta: Tensor
    A: Tensor
    B: Tensor
    C: Tensor
    D: Tensor | None
    z: Tensor | None
    delta_bias: Tensor | None
    initial_state: Tensor | None
    delta_softplus: bool

    @property
    def state_shape(self) -> tuple[int, int, int]:
        """(batch, channels, states)."""
        return self.u.shape[0], *self.A.shape

    @property
    def checkpoint_shape(self) -> tuple[int, int, int, int]:
        """(batch, chunks, states, channels): channels last, as the inner loops run over them."""
        batch, length, channels = self.u.shape
        return batch, (length + CHUNK - 1) // CHUNK, self.A.shape[1], channels


class Gradients(NamedTuple):
    """The gradients of the tensors among `Operands`, in their order; empty tensors where an operand is None."""

    u: Tensor
    delta: Tensor
    A: Tensor
    B: Tensor
    C: Tensor
    D: Tensor
    z: Tensor
    delta_bias: Tensor
    initial_state: Tensor
