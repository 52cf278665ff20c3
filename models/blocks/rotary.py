"""Positions as rotations (RoPE, Su et al., arXiv:2104.09864)."""

from __future__ import annotations

import torch
from torch import Tensor


def rotary_angles(positions: Tensor, channels: int) -> tuple[Tensor, Tensor]:
    """Return cosine and sine, each (length, channels / 2), of position times frequency 10000^(-2i / channels).

    Parameters
    ----------
    positions
        (length,) whole numbers, which may be negative.
    """
    frequencies = 10000.0 ** (-torch.arange(0, channels, 2, device=positions.device) / channels)
    angles = positions[:, None] * frequencies
    return angles.cos(), angles.sin()


def rotate(x: Tensor, rotation: tuple[Tensor, Tensor]) -> Tensor:
    """Turn each pair of channels (i, i + half) of `x` (..., length, channels) by its position's angle."""
    cos, sin = (part.to(x.dtype) for part in rotation)
    a, b = x.chunk(2, dim=-1)
    return torch.cat([a * cos - b * sin, a * sin + b * cos], dim=-1)
