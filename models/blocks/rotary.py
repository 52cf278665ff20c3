"""Rotary position embedding (RoPE, Su et al., arXiv:2104.09864)."""

from __future__ import annotations

import torch
from torch import Tensor


def rotary_angles(positions: Tensor, channels: int) -> tuple[Tensor, Tensor]:
    """Return cosines and sines, each (length, channels / 2), of position times 10000^(-2i / channels).

    Parameters
    ----------
    positions
        (length,) integers; may be negative.
    """
    frequencies = 10000.0 ** (-torch.arange(0, channels, 2, device=positions.device) / channels)
    angles = positions[:, None] * frequencies
    return angles.cos(), angles.sin()


def rotate(x: Tensor, rotation: tuple[Tensor, Tensor]) -> Tensor:
    """Rotate each pair of channels (i, i + half) of `x` (..., length, channels) by its position's angle."""
    cos, sin = (part.to(x.dtype) for part in rotation)
    a, b = x.chunk(2, dim=-1)
    return torch.cat([a * cos - b * sin, a * sin + b * cos], dim=-1)
