"""Attention in chunks as one batched attention: the sequence is folded, so no mask of the whole length is formed.

There is no operation of our own to register: folding makes every chunk a row of the batch, and torch's attention and
matrix products are then at their floor, with gradients, vmap, autocast, `torch.compile` and FLOP counts of their own.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Literal, get_args

import torch
from torch import Tensor
from torch.nn import functional as F

Weighting = Literal["softmax", "laplace", "relu2"]


def chunked_attention(
    q: Tensor,
    k: Tensor,
    v: Tensor,
    bias: Tensor | None = None,
    *,
    chunk: int,
    causal: bool,
    weighting: Weighting = "softmax",
    valid: Tensor | None = None,
) -> Tensor:
    """Let each position attend to the keys of its own chunk.

    With s the products ``q k^T`` of a chunk: "softmax" weighs by ``softmax(s / sqrt(shared) + bias)``, "laplace" and
    "relu2" by that function of ``s / n + bias``, with n the keys that a query sees (Ma et al., 2023, arXiv:2209.10655).

    Parameters
    ----------
    q, k
        (batch, length, shared).
    v
        (batch, length, value).
    bias
        (chunk, chunk), or larger: added to the scores, queries first. A length below `chunk` uses its first corner.
    chunk
        Positions that attend to each other; the last chunk may be shorter.
    causal
        Whether keys after the query are hidden.
    valid
        (batch, length) booleans, false for keys that nobody may see; None where all may be seen.

    Returns
    -------
    Tensor
        (batch, length, value). What a query that sees no key returns is finite, and means nothing.

    Raises
    ------
    ValueError
        For an unknown weighting, a chunk below one, or a bias that is too small.
    """
    length = q.shape[1]
    size = min(chunk, length)
    if weighting not in get_args(Weighting):
        raise ValueError(f"unknown weighting {weighting!r}; there are {', '.join(get_args(Weighting))}")
    if size < 1 or (bias is not None and min(bias.shape) < size):
        found = None if bias is None else tuple(bias.shape)
        raise ValueError(f"chunks of {size} positions need at least one, and a bias of their size: found {found}")
    corner = None if bias is None else bias[:size, :size]
    hidden = _hidden(length, size, causal, valid, q.device)
    q, k, v = (_fold(x, size) for x in (q, k, v))
    if weighting == "softmax":
        y = _softmax(q, k, v, corner, hidden)
    else:
        y = _each_alone(ELEMENTWISE[weighting], q, k, v, corner, hidden)
    return y.flatten(1, 2)[:, :length]


def laplace(x: Tensor) -> Tensor:
    """Return ``(1 + erf((x - sqrt(1/2)) / (sigma sqrt 2))) / 2`` with ``sigma = 1 / sqrt(4 pi)``."""
    return 0.5 * (1.0 + torch.erf((x - math.sqrt(0.5)) * math.sqrt(2.0 * math.pi)))


def relu2(x: Tensor) -> Tensor:
    """Return the square of the positive part."""
    return F.relu(x).square()


ELEMENTWISE: dict[str, Callable[[Tensor], Tensor]] = {"laplace": laplace, "relu2": relu2}


def _fold(x: Tensor, size: int) -> Tensor:
    """Return `x` (batch, length, channels) as (batch, chunks, size, channels), padded with zeros."""
    return F.pad(x, (0, 0, 0, -x.shape[1] % size)).unflatten(1, (-1, size))


def _hidden(length: int, size: int, causal: bool, valid: Tensor | None, device: torch.device) -> Tensor | None:
    """Return what each query may not see, broadcast to (batch, chunks, queries, keys), or None where it sees all."""
    hidden = torch.ones(size, size, dtype=torch.bool, device=device).triu(1) if causal else None
    if valid is None and length % size:
        valid = torch.ones(1, length, dtype=torch.bool, device=device)
    if valid is None:
        return hidden
    absent = ~_fold(valid[..., None], size).mT
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
