"""The depthwise convolution in plain torch: one shifted multiply-add a tap."""

from __future__ import annotations

import torch
from torch import Tensor


def taps(length: int, count: int, dilation: int, left: int) -> list[tuple[int, slice, slice]]:
    """Return, for each tap that meets the sequence, its number, the rows it writes and the rows it reads."""
    found = []
    for k in range(count):
        shift = k * dilation - left
        if abs(shift) < length:
            found.append(
                (k, slice(max(0, -shift), length - max(0, shift)), slice(max(0, shift), length + min(0, shift)))
            )
    return found


def convolve(x: Tensor, weight: Tensor, bias: Tensor | None, dilation: int, left: int) -> Tensor:
    """Return the convolution before its activation."""
    y = torch.zeros_like(x) if bias is None else bias.expand_as(x).clone()
    for k, write, read in taps(x.shape[1], weight.shape[1], dilation, left):
        y[:, write] += weight[:, k] * x[:, read]
    return y
