"""What the recurrence of matrix states is given, gathered under one name."""

from __future__ import annotations

from typing import NamedTuple

from torch import Tensor

from ..checking import check


class Operands(NamedTuple):
    """The arguments of `ssd`, all of one dtype and on one device."""

    x: Tensor
    log_decay: Tensor
    B: Tensor
    C: Tensor
    initial_state: Tensor | None

    def check(self) -> None:
        """Raise ValueError where shapes, dtypes or devices do not go together."""
        heads, narrow = tuple(self.x.shape[:3]), tuple(self.B.shape)
        expected = {
            "log_decay": (self.log_decay, narrow if self.by_channel else heads),
            "B": (self.B, (*heads, narrow[-1])),
            "C": (self.C, narrow),
            "initial_state": (self.initial_state, self.state_shape),
        }
        check(self.x, expected)

    @property
    def by_channel(self) -> bool:
        """Whether each entry along the state's last axis decays by itself."""
        return self.log_decay.dim() == 4

    @property
    def state_shape(self) -> tuple[int, int, int, int]:
        """(batch, heads, p, n)."""
        batch, _, heads, p = self.x.shape
        return batch, heads, p, self.B.shape[-1]


class Gradients(NamedTuple):
    """The gradients of `Operands`, in their order; None where there is no such operand."""

    x: Tensor
    log_decay: Tensor
    B: Tensor
    C: Tensor
    initial_state: Tensor | None
