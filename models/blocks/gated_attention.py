"""The gated attention unit of MEGA with an exchangeable filter, and its attention in chunks."""

from __future__ import annotations

import math
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F

Weighting = Literal["softmax", "laplace"]


class GatedAttention(nn.Module):
    """Single-head attention between filtered tokens, under an output gate (Ma et al., arXiv:2209.10655).

    With x the normed input and ``m = filter(x)``:
    ``v = SiLU(W x)``; ``q`` and ``k`` are scaled and moved copies of ``SiLU(W m)``; the attention's
    result is multiplied by ``r = SiLU(W m)`` and enters ``h = SiLU(W m + W (r * o))``; the block
    returns ``input + u * (h - input)`` with ``u = sigmoid(W m)``. Linear weights start from
    N(0, 0.02), biases from zero.

    Parameters
    ----------
    width, shared, value
        Channels of the input, of queries and keys, and of values.
    mixer
        The filter: maps (batch, length, width) and valid positions or None to the same shape. The
        only path between chunks.
    chunk
        Positions that attend to each other.
    causal
        Whether attention is to earlier positions of the chunk alone.
    weighting
        "softmax", or "laplace", which weighs each key by itself.
    """

    def __init__(
        self,
        width: int,
        shared: int,
        value: int,
        mixer: nn.Module,
        *,
        chunk: int,
        causal: bool,
        weighting: Weighting = "softmax",
        dropout: float = 0.0,
    ):
        super().__init__()
        self.splits = (width, shared, value, width)
        self.norm = nn.LayerNorm(width)
        self.mixer = mixer
        self.value = small_linear(width, value)
        self.projections = small_linear(width, sum(self.splits))
        self.attended = nn.Parameter(torch.empty(width, value).normal_(std=0.02))
        self.scale = nn.Parameter(torch.empty(2, shared).normal_(std=0.02))
        self.offset = nn.Parameter(torch.zeros(2, shared))
        self.attention = ChunkedAttention(chunk, causal, weighting)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor, valid: Tensor | None = None) -> Tensor:
        """Mix `x` (batch, length, width); `valid` (batch, length) marks what is no padding."""
        normed = self.norm(x)
        m = self.dropout(self.mixer(normed, valid))
        u, z, r, h = self.projections(m).split(self.splits, dim=-1)
        z = F.silu(z)
        q, k = (z * scale + offset for scale, offset in zip(self.scale, self.offset, strict=True))
        attended = self.attention(q, k, F.silu(self.value(normed)), valid) * F.silu(r)
        h = F.silu(h + F.linear(attended, self.attended))
        return x + torch.sigmoid(u) * (self.dropout(h) - x)


class ChunkedAttention(nn.Module):
    """Attention inside consecutive chunks, with one learned bias for each relative position."""

    def __init__(self, chunk: int, causal: bool, weighting: Weighting):
        super().__init__()
        self.chunk = chunk
        self.causal = causal
        self.weighting = weighting
        self.bias = nn.Parameter(torch.empty(chunk if causal else 2 * chunk - 1).normal_(std=0.02))

    def forward(self, q: Tensor, k: Tensor, v: Tensor, valid: Tensor | None = None) -> Tensor:
        """Return (batch, length, value) for `q`, `k` (batch, length, shared) and `v` (batch, length, value)."""
        length = q.shape[1]
        size = min(self.chunk, length)
        q, k, v = (into_chunks(part, size) for part in (q, k, v))
        visible = self._visible(length, size, valid, q.device)
        scores = q @ k.transpose(-1, -2)
        bias = self._relative_bias(size)
        if self.weighting == "softmax":
            lowest = torch.finfo(scores.dtype).min
            weights = (scores * q.shape[-1] ** -0.5 + bias).masked_fill(~visible, lowest).softmax(dim=-1)
        else:
            keys = visible.sum(-1, keepdim=True).clamp(min=1)
            weights = laplace(scores / keys + bias).masked_fill(~visible, 0.0)
        return (weights @ v).flatten(1, 2)[:, :length]

    def _visible(self, length: int, size: int, valid: Tensor | None, device: torch.device) -> Tensor:
        """Return (batch or 1, chunks, queries or 1, keys): what each query may see."""
        held = torch.ones(1, length, dtype=torch.bool, device=device) if valid is None else valid
        visible = into_chunks(held[..., None], size).squeeze(-1)[:, :, None, :]
        return visible & torch.ones(size, size, dtype=torch.bool, device=device).tril() if self.causal else visible

    def _relative_bias(self, size: int) -> Tensor:
        """Return (queries, keys), the bias of how far each key lies behind its query."""
        position = torch.arange(size, device=self.bias.device)
        behind = position[:, None] - position
        return self.bias[behind.clamp(min=0) if self.causal else behind + self.chunk - 1]


def into_chunks(x: Tensor, size: int) -> Tensor:
    """Return `x` (batch, length, channels) as (batch, chunks, size, channels), padded with zeros."""
    return F.pad(x, (0, 0, 0, -x.shape[1] % size)).unflatten(1, (-1, size))


def laplace(x: Tensor) -> Tensor:
    """Return ``(1 + erf((x - sqrt(1/2)) / (sigma sqrt 2))) / 2`` with ``sigma = 1 / sqrt(4 pi)``."""
    return 0.5 * (1.0 + torch.erf((x - math.sqrt(0.5)) * math.sqrt(2.0 * math.pi)))


def small_linear(inputs: int, outputs: int) -> nn.Linear:
    """Return a Linear layer with weights N(0, 0.02) and zero bias."""
    layer = nn.Linear(inputs, outputs)
    nn.init.normal_(layer.weight, std=0.02)
    nn.init.zeros_(layer.bias)
    return layer
