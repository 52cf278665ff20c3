"""Wrappers that use a filter over time in a block: in one direction or both, with a learned skip.

A filter maps (batch, length, width) to the same shape. An output depends on no later position or,
with ``reverse=True``, on no earlier one. `init_state` and `step` process one position at a time.
A filter must map zeros to zeros.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ...harness import State
from .padding import zero_padding
from .residual import Stepping


class BothWays(nn.Module):
    """A filter plus, if not causal, a second one with separate weights that runs backward."""

    def __init__(self, make_filter: Callable[[], Stepping], causal: bool):
        super().__init__()
        self.forwards = make_filter()
        self.backwards = None if causal else make_filter()

    def forward(self, x: Tensor, valid: Tensor | None = None) -> Tensor:
        """Filter `x` (batch, length, width); `valid` (batch, length) marks non-padding positions."""
        y = self.forwards(x)
        # The backward filter sees the padding first, so it must be zero.
        return y if self.backwards is None else y + self.backwards(zero_padding(x, valid), reverse=True)

    def init_state(self, batch: int) -> State:
        return self.forwards.init_state(batch)

    def step(self, x: Tensor, state: State) -> tuple[Tensor, State]:
        return self.forwards.step(x, state)


class SkipFilter(BothWays):
    """``SiLU(filter(x) + skip * x)``, as around MEGA's moving average, for any filter."""

    def __init__(self, width: int, make_filter: Callable[[], Stepping], causal: bool):
        super().__init__(make_filter, causal)
        self.skip = nn.Parameter(torch.randn(width))

    def forward(self, x: Tensor, valid: Tensor | None = None) -> Tensor:
        return F.silu(super().forward(x, valid) + self.skip * x)

    def step(self, x: Tensor, state: State) -> tuple[Tensor, State]:
        y, state = super().step(x, state)
        return F.silu(y + self.skip * x), state
