"""Attention in chunks in plain torch: the sequence is folded, so that every chunk is a row of one batched attention."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional as F

from .operands import Operands
from .weighting import ELEMENTWISE


def attend(operands: Operands) -> Tensor:
    """Return what each query makes of the values; no mask of the whole length is formed."""
    q, k, v, bias, valid, size, causal, weighting = operands
    length = q.shape[1]
    hidden = _hidden(length, size, causal, valid, q.device)
    q, k, v = (fold(x, size) for x in (q, k, v))
    if weighting == "softmax":
        y = _softmax(q, k, v, bias, hidden)
    else:
        y = _each_alone(ELEMENTWISE[weighting], q, k, v, bias, hidden)
    return y.flatten(1, 2)[:, :length]


def fold(x: Tensor, size: int) -> Tensor:
    """Return `x` (batch, length, channels) as (batch, chunks, size, channels), padded with zeros."""
    return F.pad(x, (0, 0, 0, -x.shape[1] % size)).unflatten(1, (-1, size))


def _hidden(length: int, size: int, causal: bool, valid: Tensor | None, device: torch.device) -> Tensor | None:
    """Return what each query may not see, broadcast to (batch, chunks, queries, keys), or None where it sees all."""
    hidden = torch.ones(size, size, dtype=torch.bool, device=device).triu(1) if causal else None
    if valid is None and length % size:
        valid = torch.ones(1, length, dtype=torch.bool, device=device)
    if valid is None:
        return hidden
    absent = ~fold(valid[..., None], size).mT
    return absent if hidden is None else hidden | absent


def _softmax(q: Tensor, k: Tensor, v: Tensor, bias: Tensor | None, hidden: Tensor | None) -> Tensor:
    if hidden is None:
        mask = bias
    else:
        lowest = torch.finfo(q.dtype).min
        mask = (q.new_zeros(()) if bias is None else bias.to(q.dtype)).masked_fill(hidden, lowest)
    return F.scaled_dot_product_attention(q, k, v, mask)


def _each_alone(
    weigh: Callable[[Tensor], Tensor], q: Tensor, k: Tensor, v: Tensor, bias: Tensor | None, hidden: Tensor | None
) -> Tensor:
    """Attend with weights that do not depend on the other keys."""
    seen = q.shape[2] if hidden is None else (~hidden).sum(-1, keepdim=True).clamp(min=1)
    scores = q @ k.mT / seen
    weights = weigh(scores if bias is None else scores + bias)
    return (weights if hidden is None else weights.masked_fill(hidden, 0.0)) @ v
