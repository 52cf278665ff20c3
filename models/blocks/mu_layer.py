"""The Mu-Layer and the Poly-Block of multilinear operator networks, for sequences and images."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ...kernels.mu_layer import mu_product, shifted


class MuLayer(nn.Module):
    """``C (a + alpha a * c)`` with ``a = LN(A x)`` and ``c = LN(B D x)``: no activation, degree two.

    The second factor passes through ``hidden / shrink`` channels, so the product has low rank. With a
    `source`, groups of channels of both factors are first gathered from other positions; the second
    factor is shifted before it is widened. Weights into the product are Kaiming-normal with biases of
    one, so the second factor is nearly constant at initialization.

    Parameters
    ----------
    inputs, hidden, outputs
        Channels.
    shrink
        Ratio of `hidden` to the second factor's bottleneck.
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

    def forward(self, x: Tensor, source: Tensor | None = None) -> Tensor:
        """Map (batch, length, inputs) to (batch, length, outputs); for `source` see `kernels.mu_layer.shifted`."""
        return self.multiply(*self.factors(x), source)

    def factors(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Return both factors before their shift: ``A x`` and the narrow ``D x``."""
        both = F.linear(x, torch.cat((self.A.weight, self.D.weight)), torch.cat((self.A.bias, self.D.bias)))
        a, narrow = both.split((self.A.out_features, self.D.out_features), dim=-1)
        return a, narrow

    def multiply(self, a: Tensor, narrow: Tensor, source: Tensor | None = None) -> Tensor:
        first, second = self.norm_a, self.norm_c
        weights = (first.weight, first.bias, second.weight, second.bias, self.alpha)
        return self.C(mu_product(a, self.B(shifted(narrow, source)), *weights, source=source, eps=first.eps))


class PolyBlock(nn.Module):
    """``x += Mu(LN(x), source)``, then ``x += Mu(LN(x))`` through `hidden` channels; both share one LN."""

    def __init__(self, width: int, hidden: int):
        super().__init__()
        self.norm = nn.LayerNorm(width, eps=1e-6)
        self.spatial = MuLayer(width, width, width)
        self.channel = MuLayer(width, hidden, width)

    def forward(self, x: Tensor, source: Tensor) -> Tensor:
        x = x + self.spatial(self.norm(x), source)
        return x + self.channel(self.norm(x))

    def step(self, x: Tensor, past: tuple[Tensor, Tensor], offsets: tuple[int, ...]) -> tuple[Tensor, tuple]:
        """Mix the next position `x` (batch, width), given the first layer's factors at earlier positions."""
        factors = self.spatial.factors(self.norm(x).unsqueeze(1))
        seen = [torch.cat(both, 1)[:, -1 - max(offsets) :] for both in zip(past, factors, strict=True)]
        last = seen[0].shape[1] - 1
        source = torch.tensor([[[last - offset if offset <= last else last for offset in offsets]]], device=x.device)
        x = x + self.spatial.multiply(*(shifted(factor, source) for factor in seen)).squeeze(1)
        return x + self.channel(self.norm(x).unsqueeze(1)).squeeze(1), tuple(seen)
