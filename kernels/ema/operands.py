"""What the moving averages are given, gathered under one name."""

from __future__ import annotations

from typing import NamedTuple

from torch import Tensor

from ..checking import check


class Operands(NamedTuple):
    """The arguments of `ema`, all of one dtype and on one device."""

    x: Tensor
    decay: Tensor
    weight: Tensor
    initial_state: Tensor | None
    reverse: bool

    def check(self) -> None:
        """Raise ValueError where shapes, dtypes or devices do not go together."""
        averages = (self.x.shape[2], self.decay.shape[-1])
        expected = {
            "decay": (self.decay, averages),
            "weight": (self.weight, averages),
            "initial_state": (self.initial_state, self.state_shape),
        }
        check(self.x, expected)

    @property
    def state_shape(self) -> tuple[int, int, int]:
        """(batch, channels, n)."""
        batch, _, channels = self.x.shape
        return batch, channels, self.decay.shape[-1]

    def checkpoint_shape(self, chunk: int) -> tuple[int, int, int, int]:
        """(batch, chunks, n, channels) of one state every `chunk` steps; the inner loops run over channels."""
        batch, channels, averages = self.state_shape
        return batch, -(-self.x.shape[1] // chunk), averages, channels


class Gradients(NamedTuple):
    """The gradients of the tensors among `Operands`, in their order; None where there is no initial state."""

    x: Tensor
    decay: Tensor
    weight: Tensor
    initial_state: Tensor | None
