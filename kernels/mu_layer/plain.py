"""The product of the Mu-Layer in plain torch, forward and backward by hand."""

from __future__ import annotations

import torch
from torch import Tensor

from .operands import Gradients, Operands
from .shifting import scattered, shifted


def forward(operands: Operands) -> tuple[Tensor, Tensor]:
    """Return the product, and the statistics (batch, length, 4) of both norms."""
    read = shifted(operands.a, operands.source)
    stats = torch.stack((*_statistics(read, operands.eps), *_statistics(operands.c, operands.eps)), -1)
    _, _, na, nc = _norms(operands, read, stats)
    return na + operands.alpha * na * nc, stats


def backward(operands: Operands, stats: Tensor, dy: Tensor) -> Gradients:
    """Return the gradients of all operands."""
    alpha, read = operands.alpha, shifted(operands.a, operands.source)
    ha, hc, na, nc = _norms(operands, read, stats)
    dna, dnc = dy * (1 + alpha * nc), dy * alpha * na
    da = _norm_backward(dna * operands.weight_a, ha, stats[..., 1:2])
    return Gradients(
        a=scattered(da, operands.source),
        c=_norm_backward(dnc * operands.weight_c, hc, stats[..., 3:4]),
        weight_a=(dna * ha).sum((0, 1)),
        bias_a=dna.sum((0, 1)),
        weight_c=(dnc * hc).sum((0, 1)),
        bias_c=dnc.sum((0, 1)),
        alpha=(dy * na * nc).sum(),
    )


def _statistics(x: Tensor, eps: float) -> tuple[Tensor, Tensor]:
    variance, mean = torch.var_mean(x, -1, correction=0)
    return mean, (variance + eps).rsqrt()


def _norms(operands: Operands, read: Tensor, stats: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Return both factors without weights and biases, and with them."""
    ha = (read - stats[..., 0:1]) * stats[..., 1:2]
    hc = (operands.c - stats[..., 2:3]) * stats[..., 3:4]
    return ha, hc, ha * operands.weight_a + operands.bias_a, hc * operands.weight_c + operands.bias_c


def _norm_backward(dh: Tensor, h: Tensor, scale: Tensor) -> Tensor:
    return scale * (dh - dh.mean(-1, keepdim=True) - h * (dh * h).mean(-1, keepdim=True))
