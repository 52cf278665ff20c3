"""Normalization layers, all called with ``(x, valid)``."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor, nn

NormKind = Literal["layer", "scale", "batch"]


class LayerNorm(nn.LayerNorm):
    """Layer norm; `valid` is accepted for a common interface and ignored."""

    def forward(self, x: Tensor, valid: Tensor | None = None) -> Tensor:
        return super().forward(x)


class RMSNorm(nn.RMSNorm):
    """Root mean square norm with one scale per channel; `valid` is ignored."""

    def forward(self, x: Tensor, valid: Tensor | None = None) -> Tensor:
        return super().forward(x)


class ScaleNorm(nn.Module):
    """Root mean square norm with one scale for all channels (Nguyen and Salazar, arXiv:1910.05895)."""

    def __init__(self, eps: float = 1e-5):
        super().__init__()
        self.eps = eps
        self.scale = nn.Parameter(torch.ones(1))

    def forward(self, x: Tensor, valid: Tensor | None = None) -> Tensor:
        return self.scale * x * torch.rsqrt(x.square().mean(-1, keepdim=True) + self.eps)


class BatchNorm(nn.BatchNorm1d):
    """Batch norm over all valid positions of all rows; in evaluation, with the running moments."""

    def forward(self, x: Tensor, valid: Tensor | None = None) -> Tensor:
        """Normalize each channel of `x` (..., width) over the positions where `valid` (...) is true."""
        if valid is None or not self.training:
            return super().forward(x.flatten(0, -2)).view_as(x)
        y = torch.zeros_like(x)
        y[valid] = super().forward(x[valid]).to(y.dtype)
        return y


def make_norm(kind: NormKind, width: int) -> nn.Module:
    """Return a normalization layer, called with ``(x, valid)``."""
    return {"layer": lambda: LayerNorm(width), "scale": ScaleNorm, "batch": lambda: BatchNorm(width)}[kind]()
