"""Residual blocks, and the stack of blocks used by most sequence models."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol, cast

from torch import Tensor, nn

from ...harness import SequenceModel, State
from .padding import valid_positions


class Stepping(Protocol):
    """A module over positions that can also process one position at a time; see `SequenceModel.step`."""

    __call__: Callable[..., Any]

    def init_state(self, batch: int) -> State: ...

    def step(self, x: Tensor, state: State, /) -> tuple[Tensor, State]: ...


class ResidualStack(SequenceModel):
    """A sequence of blocks, then an optional norm; `step` carries one state per block.

    A subclass sets `blocks` and `norm` (or None), all called with ``(x, valid)``. Blocks are `Stepping`.
    """

    blocks: nn.ModuleList
    norm: nn.Module | None

    def forward(self, x: Tensor, lengths: Tensor | None = None) -> Tensor:
        valid = valid_positions(x, lengths)
        for block in self.blocks:
            x = block(x, valid)
        return x if self.norm is None else self.norm(x, valid)

    def init_state(self, batch: int) -> list[Any]:
        return [block.init_state(batch) for block in self._stepping()]

    def step(self, x: Tensor, state: list[Any]) -> tuple[Tensor, list[Any]]:
        after = []
        for block, before in zip(self._stepping(), state, strict=True):
            x, carried = block.step(x, before)
            after.append(carried)
        return x if self.norm is None else self.norm(x), after

    def _stepping(self) -> list[Stepping]:
        return cast("list[Stepping]", list(self.blocks))


class Residual(nn.Module):
    """``x + mixer(norm(x))`` for a mixer over positions; norm and mixer are called with ``(x, valid)``."""

    def __init__(self, norm: nn.Module, mixer: Stepping):
        super().__init__()
        self.norm = norm
        self.mixer = mixer

    def forward(self, x: Tensor, valid: Tensor | None) -> Tensor:
        return x + self.mixer(self.norm(x, valid), valid)

    def init_state(self, batch: int) -> Any:
        return self.mixer.init_state(batch)

    def step(self, x: Tensor, state: Any) -> tuple[Tensor, Any]:
        y, state = self.mixer.step(self.norm(x), state)
        return x + y, state


class PointwiseResidual(nn.Module):
    """``x + layer(norm(x))`` for a layer that acts on each position separately and carries no state."""

    def __init__(self, norm: nn.Module, layer: nn.Module):
        super().__init__()
        self.norm = norm
        self.layer = layer

    def forward(self, x: Tensor, valid: Tensor | None = None) -> Tensor:
        return x + self.layer(self.norm(x, valid))

    def init_state(self, batch: int) -> tuple[()]:
        return ()

    def step(self, x: Tensor, state: tuple[()]) -> tuple[Tensor, tuple[()]]:
        return self(x), state
