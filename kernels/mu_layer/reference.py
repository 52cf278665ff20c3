"""The product of the Mu-Layer, one position at a time: the reference for the fast paths."""

from __future__ import annotations

import torch
from torch import Tensor


def reference(
    a: Tensor,
    c: Tensor,
    weight_a: Tensor,
    bias_a: Tensor,
    weight_c: Tensor,
    bias_c: Tensor,
    alpha: Tensor,
    *,
    source: Tensor | None = None,
    eps: float = 1e-6,
) -> Tensor:
    """Return the product in the precision of the inputs, differentiable by autograd.

    The arguments are those of `mu_product`.
    """
    rows = []
    for b in range(a.shape[0]):
        for t in range(a.shape[1]):
            first = _norm(_read(a, source, b, t), weight_a, bias_a, eps)
            rows.append(first + alpha * first * _norm(c[b, t], weight_c, bias_c, eps))
    return torch.stack(rows).view(a.shape)


def _read(a: Tensor, source: Tensor | None, b: int, t: int) -> Tensor:
    if source is None:
        return a[b, t]
    channels, groups = a.shape[2], source.shape[2]
    positions = source[min(b, len(source) - 1), t].tolist()
    bounds = [group * channels // groups for group in range(groups + 1)]
    return torch.cat([a[b, s, bounds[g] : bounds[g + 1]] for g, s in enumerate(positions)])


def _norm(x: Tensor, weight: Tensor, bias: Tensor, eps: float) -> Tensor:
    centered = x - x.mean()
    return centered / (centered.square().mean() + eps).sqrt() * weight + bias
