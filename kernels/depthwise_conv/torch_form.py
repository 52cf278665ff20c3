"""The depthwise convolution in plain torch: one shifted multiply-add per tap, with a hand-written backward pass."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor
from torch.nn import functional as F

from ..registration import Gradients
from .operation import Operands


def forward(operands: Operands) -> Tensor:
    y = _convolve(operands)
    y = F.silu(y) if operands.silu else y
    return y + operands.x if operands.residual else y


def backward(operands: Operands, dy: Tensor) -> Gradients:
    x, weight, through = operands.x, operands.weight, dy
    if operands.silu:
        y = _convolve(operands)
        gate = torch.sigmoid(y)
        dy = dy * gate * (1 + y * (1 - gate))
    dx, dweight = x.new_zeros(x.shape), weight.new_zeros(weight.shape)
    if operands.residual:
        dx += through
    for k, written, read in _taps(operands):
        dx[:, read] += weight[:, k] * dy[:, written]
        dweight[:, k] = (dy[:, written] * x[:, read]).sum((0, 1))
    return dx, dweight, None if operands.bias is None else dy.sum((0, 1))


def _convolve(operands: Operands) -> Tensor:
    x, weight, bias, *_ = operands
    y = x.new_zeros(x.shape) if bias is None else bias.expand_as(x).clone(memory_format=torch.contiguous_format)
    for k, written, read in _taps(operands):
        y[:, written] += weight[:, k] * x[:, read]
    return y


def _taps(operands: Operands) -> Iterator[tuple[int, slice, slice]]:
    """Yield each tap that reaches the sequence: its number, the positions it writes and the positions it reads."""
    length, count = operands.x.shape[1], operands.weight.shape[1]
    for k in range(count):
        shift = k * operands.dilation - operands.left
        if abs(shift) < length:
            yield k, slice(max(0, -shift), length - max(0, shift)), slice(max(0, shift), length + min(0, shift))
