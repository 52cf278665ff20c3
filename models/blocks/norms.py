"""The norms that models are published with, all called with ``(x, valid)``."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor, nn

NormKind = Literal["layer", "scale", "batch"]


class LayerNorm(nn.LayerNorm):
    """Layer norm that is told, like all norms here, which positions hold data."""

    def forward(self, x: Tensor, valid: Tensor | None = None) -> Tensor:
        """Norm each position of `x` (..., width)."""
        return super().forward(x)


class RMSNorm(nn.RMSNorm):
    """Root mean square norm with a scale for each channel, which need not be told what is padding either."""

    def forward(self, x: Tensor, valid: Tensor | None = None) -> Tensor:
        """Norm each position of `x` (..., width)."""
        return super().forward(x)


class ScaleNorm(nn.Module):
    """Root mean square norm with one scale for all channels (Nguyen and Salazar, arXiv:1910.05895)."""

    def __init__(self, eps: float = 1e-5):
        super().__init__()
        self.eps = eps
        self.scale = nn.Parameter(torch.ones(1))

    def forward(self, x: Tensor, valid: Tensor | None = None) -> Tensor:
        """Norm each position of `x` (..., width)."""
        return self.scale * x * torch.rsqrt(x.square().mean(-1, keepdim=True) + self.eps)


class BatchNorm(nn.BatchNorm1d):
    """Batch norm over all valid positions of all rows; outside training, with the running moments."""

    def forward(self, x: Tensor, valid: Tensor | None = None) -> Tensor:
        """Norm each channel of `x` (..., width); padding, where `valid` (...) is false, does not count."""
        if valid is None or not self.training:
            return super().forward(x.flatten(0, -2)).view_as(x)
        y = torch.zeros_like(x)
        y[valid] = super().forward(x[valid]).to(y.dtype)
        return y


def make_norm(kind: NormKind, width: int) -> nn.Module:
    """Return a norm, called with ``(x, valid)``."""
    return {"layer": lambda: LayerNorm(width), "scale": ScaleNorm, "batch": lambda: BatchNorm(width)}[kind]()
