"""What the selective scan is given, gathered under one name."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from ..checking import check


class Operands(NamedTuple):
    """The arguments of `selective_scan`, all of one precision and on one device."""

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
        narrow = (batch, length, self.planes)
        expected = {
            "delta": (self.delta, tuple(rows)),
            "A": (_real_part(self.A), (rows[2], states)),
            "B": (self.B, narrow),
            "C": (self.C, narrow),
            "D": (self.D, (channels,)),
            "z": (self.z, tuple(rows)),
            "delta_bias": (self.delta_bias, (channels,)),
            "initial_state": (_real_part(self.initial_state), self.state_shape),
        }
        check(self.u, expected)
        if self.initial_state is not None and self.initial_state.is_complex() != self.A.is_complex():
            raise ValueError(f"initial_state is {self.initial_state.dtype}, where A is {self.A.dtype}")

    @property
    def planes(self) -> int:
        """Real numbers in the state of a channel."""
        return self.A.shape[1] * (2 if self.A.is_complex() else 1)

    @property
    def state_shape(self) -> tuple[int, int, int]:
        """(batch, channels, states)."""
        channels, states = self.A.shape
        return self.u.shape[0], channels, states

    def checkpoint_shape(self, chunk: int) -> tuple[int, int, int, int]:
        """(batch, chunks, planes, channels) of one state every `chunk` steps; the inner loops run over channels."""
        batch, length, channels = self.u.shape
        return batch, (length + chunk - 1) // chunk, self.planes, channels


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


def _real_part(x: Tensor | None) -> Tensor | None:
    return x.real if x is not None and x.is_complex() else x


def in_pairs(rows: Tensor, A: Tensor) -> Tensor:
    """Return B or C (..., planes) as numbers (..., states) of the kind of A."""
    return torch.view_as_complex(rows.unflatten(-1, (-1, 2)).contiguous()) if A.is_complex() else rows


def out_of_pairs(numbers: Tensor) -> Tensor:
    """Undo `in_pairs`."""
    return torch.view_as_real(numbers.resolve_conj()).flatten(-2) if numbers.is_complex() else numbers


def as_planes(states: Tensor) -> Tensor:
    """Return (..., planes, channels) real numbers of (..., channels, states), of a complex one two planes."""
    return out_of_pairs(states).mT.clone(memory_format=torch.contiguous_format)


def as_states(planes: Tensor, like: Tensor) -> Tensor:
    """Return (..., channels, states) of `as_planes`, complex where `like` is."""
    return in_pairs(planes.mT.clone(memory_format=torch.contiguous_format), like)
