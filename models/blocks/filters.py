"""How a filter over time enters a block: in one direction or both, with a learned skip.

A filter maps (batch, length, width) to the same shape, sees no later position, and with
``reverse=True`` no earlier one. `init_state` and `step` are its form for one position at a time.
Zeros must pass through it as zeros.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ...harness.contract.model import State
from .padding import zero_padding


class BothWays(nn.Module):
    """A filter and, where not causal, a second one with weights of its own that runs backwards; they are added."""

    def __init__(self, make_filter: Callable[[], nn.Module], causal: bool):
        super().__init__()
        self.forwards = make_filter()
        self.backwards = None if causal else make_filter()

    def forward(self, x: Tensor, valid: Tensor | None = None) -> Tensor:
        """Filter `x` (batch, length, width); `valid` (batch, length) marks what is no padding."""
        y = self.forwards(x)
        # Run backwards, padding comes first: as zeros it counts for nothing.
        return y if self.backwards is None else y + self.backwards(zero_padding(x, valid), reverse=True)

    def init_state(self, batch: int) -> State:
        """Return the state before the first position."""
        return self.forwards.init_state(batch)  # type: ignore[operator]

    def step(self, x: Tensor, state: State) -> tuple[Tensor, State]:
        """Filter one position `x` (batch, width)."""
        return self.forwards.step(x, state)  # type: ignore[operator]


class SkipFilter(BothWays):
    """``SiLU(filter(x) + skip * x)``: what stands around MEGA's moving average, for any filter."""

    def __init__(self, width: int, make_filter: Callable[[], nn.Module], causal: bool):
        super().__init__(make_filter, causal)
        self.skip = nn.Parameter(torch.randn(width))

    def forward(self, x: Tensor, valid: Tensor | None = None) -> Tensor:
        """Filter `x` (batch, length, width); see `BothWays.forward`."""
        return F.silu(super().forward(x, valid) + self.skip * x)

    def step(self, x: Tensor, state: State) -> tuple[Tensor, State]:
        """Filter one position `x` (batch, width)."""
        y, state = super().step(x, state)
        return F.silu(y + self.skip * x), state
