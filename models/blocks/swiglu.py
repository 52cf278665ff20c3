"""The gated feed-forward layer of current language models."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional as F


class SwiGLU(nn.Module):
    """``W_down (SiLU(W_gate x) * W_up x)`` without biases (Shazeer, arXiv:2002.05202).

    Parameters
    ----------
    units
        Hidden units; 8/3 of the width, rounded to a multiple of 8, by default.
    """

    def __init__(self, width: int, units: int | None = None):
        super().__init__()
        units = units or 8 * round(width / 3)
        self.up = nn.Linear(width, 2 * units, bias=False)
        self.down = nn.Linear(units, width, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        gate, value = self.up(x).chunk(2, dim=-1)
        return self.down(F.silu(gate) * value)
