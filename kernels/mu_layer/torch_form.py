"""The product of the Mu-Layer in plain torch, with a hand-written backward pass."""

from __future__ import annotations

import torch
from torch import Tensor

from ..registration import Gradients
from .operation import Operands


def forward(operands: Operands) -> tuple[Tensor, Tensor]:
    """Return the product, and the statistics (batch, length, 4) of both norms."""
    read = shifted(operands.a, operands.source)
    stats = torch.stack((*_statistics(read, operands.eps), *_statistics(operands.c, operands.eps)), -1)
    _, _, na, nc = _norms(operands, read, stats)
    return na + operands.alpha * na * nc, stats


def backward(operands: Operands, stats: Tensor, dy: Tensor) -> Gradients:
    alpha, read = operands.alpha, shifted(operands.a, operands.source)
    ha, hc, na, nc = _norms(operands, read, stats)
    dna, dnc = dy * (1 + alpha * nc), dy * alpha * na
    da = _norm_backward(dna * operands.weight_a, ha, stats[..., 1:2])
    if operands.source is not None:
        da = torch.zeros_like(da).scatter_add(1, _every_channel(da, operands.source), da)
    return (
        da,
        _norm_backward(dnc * operands.weight_c, hc, stats[..., 3:4]),
        (dna * ha).sum((0, 1)),
        dna.sum((0, 1)),
        (dnc * hc).sum((0, 1)),
        dnc.sum((0, 1)),
        (dy * na * nc).sum(),
    )


def shifted(x: Tensor, source: Tensor | None) -> Tensor:
    """Return `x` with each group of channels read from the position in `source`.

    Parameters
    ----------
    x
        (batch, length, channels).
    source
        (batch or 1, positions, groups), or None to return `x` unchanged. Group g begins at channel
        ``g * channels // groups``.

    Returns
    -------
    Tensor
        (batch, positions, channels).
    """
    return x if source is None else x.gather(1, _every_channel(x, source))


def _every_channel(x: Tensor, source: Tensor) -> Tensor:
    channels, groups = x.shape[2], source.shape[2]
    group = (torch.arange(1, channels + 1, device=x.device) * groups - 1) // channels
    return source.long().index_select(2, group).expand(len(x), -1, -1)


def _statistics(x: Tensor, eps: float) -> tuple[Tensor, Tensor]:
    variance, mean = torch.var_mean(x, -1, correction=0)
    return mean, (variance + eps).rsqrt()


def _norms(operands: Operands, read: Tensor, stats: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Return both factors without weights and biases, then with them."""
    ha = (read - stats[..., 0:1]) * stats[..., 1:2]
    hc = (operands.c - stats[..., 2:3]) * stats[..., 3:4]
    return ha, hc, ha * operands.weight_a + operands.bias_a, hc * operands.weight_c + operands.bias_c


def _norm_backward(dh: Tensor, h: Tensor, scale: Tensor) -> Tensor:
    return scale * (dh - dh.mean(-1, keepdim=True) - h * (dh * h).mean(-1, keepdim=True))
