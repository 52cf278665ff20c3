"""The flow of a linear controlled differential equation along a path."""

from __future__ import annotations

import math
from typing import Literal, get_args

import torch
from torch import Tensor, nn

from ...harness import UserError

Drive = Literal["velocity", "path"]

FlowState = tuple[Tensor, Tensor, Tensor]
"""The state (batch, hidden), the last input (batch, channels), and the number of positions so far (batch,)."""


class ControlledFlow(nn.Module):
    """``dZ = sum_i A^i Z dw^i + B dw`` along w = [t, x], from ``Z_0 = W x_0 + b`` (Cirone et al., arXiv:2402.19047).

    A is initialized from N(0, 1 / hidden), and B, W and b from N(0, 1), as in the paper's code. Time
    runs from 0 to 1 over `length` positions.

    Parameters
    ----------
    channels, hidden
        Channels of x, and size of Z.
    drive
        "path": the x_k are points joined by straight lines. On each line the solution is the
        exponential of ``sum_i A^i dw^i``, applied as a Taylor series up to the square root of the
        dtype's precision (the paper's adaptive solver allows 1e-2). "velocity": [t_k, x_k] is the
        path's velocity before position k, integrated by an Euler step of 1 / length, as in the
        paper's code for tokens.
    """

    def __init__(self, channels: int, hidden: int, length: int, drive: Drive):
        super().__init__()
        if drive not in get_args(Drive):
            raise UserError(f"The drive must be {' or '.join(map(repr, get_args(Drive)))}: found '{drive}'.")
        self.length = length
        self.drive = drive
        self.A = nn.Parameter(torch.randn(channels + 1, hidden, hidden) * hidden**-0.5)
        self.B = nn.Parameter(torch.randn(hidden, channels + 1))
        self.start = nn.Linear(channels, hidden)
        nn.init.normal_(self.start.weight)
        nn.init.normal_(self.start.bias)

    @torch.compiler.disable  # the unrolled loop would take longer to compile than to train
    def forward(self, x: Tensor) -> Tensor:
        """Return the states (batch, length, hidden) at the positions of `x` (batch, length, channels).

        They are summed in the precision of the weights even under autocast: bfloat16 cannot represent an Euler step.
        """
        with torch.autocast(x.device.type, enabled=False):
            x = x.to(self.A.dtype)
            places = torch.arange(1, x.shape[1], device=x.device).expand(len(x), -1)
            increments = self.increments(x[:, 1:], x[:, :-1], places)
            taylor, states = self.taylor(increments), [self.start(x[:, 0])]
            for increment in increments.unbind(1):
                states.append(self.advance(states[-1], increment, *taylor))
            return torch.stack(states, 1)

    def init_state(self, batch: int) -> FlowState:
        hidden, width = self.B.shape
        place = torch.zeros(batch, dtype=torch.long, device=self.B.device)
        return self.B.new_zeros(batch, hidden), self.B.new_zeros(batch, width - 1), place

    def step(self, x: Tensor, state: FlowState) -> tuple[Tensor, FlowState]:
        """Return the state (batch, hidden) at one more position `x` (batch, channels)."""
        z, last, place = state
        increment = self.increments(x, last, place)
        moved = self.advance(z, increment, *self.taylor(increment))
        z = torch.where((place == 0)[:, None], self.start(x), moved)
        return z, (z, x, place + 1)

    def increments(self, x: Tensor, last: Tensor, place: Tensor) -> Tensor:
        """Return the increment of w from `last` to `x` (..., channels), which is at position `place` (...)."""
        span = max(1, self.length - 1)
        if self.drive == "velocity":
            return torch.cat([(place / span)[..., None].to(x.dtype), x], dim=-1) / self.length
        return torch.cat([torch.full_like(x[..., :1], 1 / span), x - last], dim=-1)

    def advance(self, z: Tensor, increment: Tensor, pieces: int, terms: int) -> Tensor:
        """Return the state (batch, hidden) after one straight segment of the path (batch, channels + 1)."""
        increment = increment / pieces
        for _ in range(pieces):
            change = torch.addmm(self.turn(z, increment), increment, self.B.T)
            z = z + change
            for order in range(2, terms + 1):
                change = self.turn(change, increment) / order
                z = z + change
        return z

    def turn(self, z: Tensor, increment: Tensor) -> Tensor:
        """Return ``sum_i A^i z dw^i``."""
        each = (z @ self.A.flatten(0, 1).T).unflatten(-1, self.A.shape[:2])
        return torch.bmm(increment[:, None], each)[:, 0]

    @torch.no_grad()
    def taylor(self, increments: Tensor) -> tuple[int, int]:
        """Return the number of pieces to split each increment into, and the number of Taylor terms per piece."""
        if self.drive == "velocity" or not increments.numel():
            return 1, 1
        size = float(increments.norm(dim=-1).max() * torch.linalg.matrix_norm(self.A.flatten(0, 1), 2))
        # A state that grows by more than exp(64) per step overflows anyway.
        pieces = math.ceil(min(max(size, 1.0), 64.0)) if math.isfinite(size) else 1
        terms, following, tolerance = 1, (size / pieces) ** 2 / 2, torch.finfo(self.A.dtype).eps ** 0.5
        while following > tolerance and terms < 32:
            terms += 1
            following *= size / pieces / (terms + 1)
        return pieces, terms
