"""What the selective scan is given, gathered under one name."""

from __future__ import annotations

from typing import NamedTuple

from torch import Tensor

from ..checking import check


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

    def check(self) -> None:
        """Raise ValueError where shapes, dtypes or devices do not go together."""
        rows, (channels, states) = self.u.shape, self.A.shape
        batch, length, _ = rows
        narrow = (batch, length, states)
        expected = {
            "delta": (self.delta, tuple(rows)),
            "A": (self.A, (rows[2], states)),
            "B": (self.B, narrow),
            "C": (self.C, narrow),
            "D": (self.D, (channels,)),
            "z": (self.z, tuple(rows)),
            "delta_bias": (self.delta_bias, (channels,)),
            "initial_state": (self.initial_state, self.state_shape),
        }
        check(self.u, expected)

    @property
    def state_shape(self) -> tuple[int, int, int]:
        """(batch, channels, states)."""
        channels, states = self.A.shape
        return self.u.shape[0], channels, states

    def checkpoint_shape(self, chunk: int) -> tuple[int, int, int, int]:
        """(batch, chunks, states, channels) of one state every `chunk` steps; the inner loops run over channels."""
        batch, length, channels = self.u.shape
        return batch, (length + chunk - 1) // chunk, self.A.shape[1], channels


class Gradients(NamedTuple):
    """The gradients of the tensors among `Operands`, in their order; None where there is no such operand."""

    u: Tensor
    delta: Tensor
    A: Tensor
    B: Tensor
    C: Tensor
    D: Tensor | None
    z: Tensor | None
    delta_bias: Tensor | None
    initial_state: Tensor | None
