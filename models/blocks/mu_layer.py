"""The Mu-Layer of MONet: two linear maps of one input, multiplied."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

SHRINK = 8
"""By how much narrower the bottleneck of the gating map is."""

Shift = Callable[[Tensor], Tensor]


class MuLayer(nn.Module):
    """``y = C (a + alpha a * c)`` with ``a = LN(S(U1 x))`` and ``c = LN(U3 S(U2 x))``.

    S is a shift in space (or none), U2 maps to an eighth of the hidden units, so the gating map
    has low rank. There is no activation: but for the norms the layer is a polynomial of degree 2
    in its input (MONet, arXiv:2401.17992, section 3).

    Both maps of the input are one matrix product.

    Parameters
    ----------
    inputs, hidden, outputs
        Channels; `hidden` is a multiple of 8.
    """

    def __init__(self, inputs: int, hidden: int, outputs: int):
        super().__init__()
        self.hidden, self.narrow = hidden, max(1, hidden // SHRINK)
        self.maps = nn.Linear(inputs, self.hidden + self.narrow)
        self.widen = nn.Linear(self.narrow, hidden)
        self.norm = nn.LayerNorm(hidden, eps=1e-6)
        self.gate_norm = nn.LayerNorm(hidden, eps=1e-6)
        self.alpha = nn.Parameter(torch.ones(()))
        self.out = nn.Linear(hidden, outputs)
        self._reset_parameters()

    def _reset_parameters(self) -> None:
        """Start as the released code does: biases of one put the gate near a constant."""
        for linear in (self.maps, self.widen):
            nn.init.kaiming_normal_(linear.weight)
            nn.init.ones_(linear.bias)
        nn.init.kaiming_normal_(self.out.weight, a=0.001)
        nn.init.zeros_(self.out.bias)

    def forward(self, x: Tensor, shift: Shift | None = None) -> Tensor:
        """Map `x` (..., inputs) to (..., outputs); `shift` moves channels (..., any) in space."""
        a, c = self.maps(x).split([self.hidden, self.narrow], dim=-1)
        if shift is not None:
            a, c = shift(a), shift(c)
        a, c = self.norm(a), self.gate_norm(self.widen(c))
        return self.out(a + self.alpha * a * c)


class PolyBlock(nn.Module):
    """Two residual Mu-Layers, the first one over shifted positions; both read through one norm.

    The norm is shared because the released code uses one module in both places.
    """

    def __init__(self, width: int, expansion: int):
        super().__init__()
        self.norm = nn.LayerNorm(width, eps=1e-6)
        self.spatial = MuLayer(width, width, width)
        self.channel = MuLayer(width, expansion * width, width)

    def forward(self, x: Tensor, shift: Shift) -> Tensor:
        x = x + self.spatial(self.norm(x), shift)
        return x + self.channel(self.norm(x))
