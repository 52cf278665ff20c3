"""The Mu-Layer and the Poly-Block of multilinear operator networks, for sequences and images alike."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

Shift = Callable[[Tensor], Tensor]
"""Moves groups of channels to neighbouring positions and keeps the shape."""


class MuLayer(nn.Module):
    """``C (a + alpha a * c)`` with ``a = LN(A x)`` and ``c = LN(B D x)``: no activation, degree two.

    The second factor passes through ``hidden / shrink`` channels, so the product is of low rank.
    With a `shift` both factors are first moved to neighbouring positions, the second while still
    narrow. Weights into the product start Kaiming-normal with biases of one, so that the second
    factor begins near a constant.

    Parameters
    ----------
    inputs, hidden, outputs
        Channels.
    shrink
        How much narrower the second factor's bottleneck is.
    """

    def __init__(self, inputs: int, hidden: int, outputs: int, shrink: int = 8):
        super().__init__()
        narrow = max(1, hidden // shrink)
        self.A = nn.Linear(inputs, hidden)
        self.D = nn.Linear(inputs, narrow)
        self.B = nn.Linear(narrow, hidden)
        self.norm_a = nn.LayerNorm(hidden, eps=1e-6)
        self.norm_c = nn.LayerNorm(hidden, eps=1e-6)
        self.alpha = nn.Parameter(torch.ones(()))
        self.C = nn.Linear(hidden, outputs)
        for layer in (self.A, self.D, self.B):
            nn.init.kaiming_normal_(layer.weight)
            nn.init.ones_(layer.bias)
        nn.init.kaiming_normal_(self.C.weight, a=0.001)
        nn.init.zeros_(self.C.bias)

    def forward(self, x: Tensor, shift: Shift | None = None) -> Tensor:
        """Map (..., inputs) to (..., outputs)."""
        a, c = self.A(x), self.D(x)
        if shift is not None:
            a, c = shift(a), shift(c)
        a, c = self.norm_a(a), self.norm_c(self.B(c))
        return self.C(a + self.alpha * a * c)


class PolyBlock(nn.Module):
    """``x += Mu(LN(x), shift)``, then ``x += Mu(LN(x))`` through `hidden` channels; both share one LN."""

    def __init__(self, width: int, hidden: int):
        super().__init__()
        self.norm = nn.LayerNorm(width, eps=1e-6)
        self.spatial = MuLayer(width, width, width)
        self.channel = MuLayer(width, hidden, width)

    def forward(self, x: Tensor, shift: Shift) -> Tensor:
        x = x + self.spatial(self.norm(x), shift)
        return x + self.channel(self.norm(x))
