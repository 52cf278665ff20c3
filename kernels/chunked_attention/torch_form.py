"""Attention in chunks in plain torch: the sequence is folded, so that each chunk is a row of one batched attention."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional as F

from .operation import Operands

CENTER = math.sqrt(0.5)
SHARPNESS = math.sqrt(2.0 * math.pi)
"""``1 / (sigma sqrt 2)`` with ``sigma = 1 / sqrt(4 pi)``."""


def laplace(x: Tensor) -> Tensor:
    """Return ``(1 + erf((x - sqrt(1/2)) / (sigma sqrt 2))) / 2`` with ``sigma = 1 / sqrt(4 pi)``."""
    return 0.5 * (1.0 + torch.erf((x - CENTER) * SHARPNESS))


def relu2(x: Tensor) -> Tensor:
    return F.relu(x).square()


ELEMENTWISE: dict[str, Callable[[Tensor], Tensor]] = {"laplace": laplace, "relu2": relu2}


def forward(operands: Operands) -> Tensor:
    """Return the attention; no mask of the whole length is built."""
    q, k, v, bias, valid, size, causal, weighting = operands
    length = q.shape[1]
    hidden = _hidden(length, size, causal, valid, q.device)
    q, k, v = (fold(x, size) for x in (q, k, v))
    if weighting == "softmax":
        mask = bias
        if hidden is not None:
            mask = q.new_zeros(()) if bias is None else bias.to(q.dtype)
            mask = mask.masked_fill(hidden, torch.finfo(q.dtype).min)
        y = F.scaled_dot_product_attention(q, k, v, mask)
    else:
        seen = size if hidden is None else (~hidden).sum(-1, keepdim=True).clamp(min=1)
        scores = q @ k.mT / seen
        weights = ELEMENTWISE[weighting](scores if bias is None else scores + bias)
        y = (weights if hidden is None else weights.masked_fill(hidden, 0.0)) @ v
    return y.flatten(1, 2)[:, :length]


def fold(x: Tensor, size: int) -> Tensor:
    """Return `x` (batch, length, channels) as (batch, chunks, size, channels), padded with zeros."""
    return F.pad(x, (0, 0, 0, -x.shape[1] % size)).unflatten(1, (-1, size))


def _hidden(length: int, size: int, causal: bool, valid: Tensor | None, device: torch.device) -> Tensor | None:
    """Return which keys are hidden, broadcast to (batch, chunks, queries, keys), or None if all are visible."""
    hidden = torch.ones(size, size, dtype=torch.bool, device=device).triu(1) if causal else None
    if valid is None and length % size:
        valid = torch.ones(1, length, dtype=torch.bool, device=device)
    if valid is None:
        return hidden
    absent = ~fold(valid[..., None], size).mT
    return absent if hidden is None else hidden | absent
