"""Attention in chunks as a loop over queries: the reference for the fast paths."""

from __future__ import annotations

import math

import torch
from torch import Tensor


def reference(
    q: Tensor,
    k: Tensor,
    v: Tensor,
    bias: Tensor | None = None,
    *,
    chunk: int,
    causal: bool,
    weighting: str = "softmax",
    valid: Tensor | None = None,
) -> Tensor:
    """Return the attention in the precision of the inputs, differentiable by autograd.

    A query that sees no key returns zeros. The arguments are those of `chunked_attention`.
    """
    batch, length, shared = q.shape

    def attend(b: int, t: int) -> Tensor:
        start = t // chunk * chunk
        stop = t + 1 if causal else min(start + chunk, length)
        keys = [s for s in range(start, stop) if valid is None or bool(valid[b, s])]
        if not keys:
            return v.new_zeros(v.shape[2])
        scores = k[b, keys] @ q[b, t] / (shared**0.5 if weighting == "softmax" else len(keys))
        if bias is not None:
            scores = scores + bias[t - start, [s - start for s in keys]]
        return _weights(scores, weighting) @ v[b, keys]

    return torch.stack([attend(b, t) for b in range(batch) for t in range(length)]).view(batch, length, -1)


def _weights(scores: Tensor, weighting: str) -> Tensor:
    if weighting == "softmax":
        return scores.softmax(0)
    if weighting == "relu2":
        return scores.clamp(min=0) ** 2
    mean, deviation = 0.5**0.5, (4 * math.pi) ** -0.5
    return torch.distributions.Normal(mean, deviation).cdf(scores)
