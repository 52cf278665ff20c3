"""Attention within consecutive chunks, with a learned bias per distance."""

from __future__ import annotations

from typing import Any, Literal

import torch
from torch import Tensor, nn

from ...harness import UserError
from ...kernels.chunked_attention import ELEMENTWISE, Weighting, chunked_attention
from .rotary import rotary_angles, rotate

BiasKind = Literal["simple", "rotary"]
Cache = dict[str, Tensor]


class ChunkedAttention(nn.Module):
    """Single-head attention in which each position attends only to its own chunk.

    "softmax" weights keys by ``softmax(q k / sqrt(shared) + bias)``. "laplace" and "relu2" weight each
    key independently, by that function of ``q k / n + bias``, with n the number of keys the query sees.

    Parameters
    ----------
    shared
        Channels of queries and keys.
    chunk
        Number of positions per chunk.
    causal
        Whether a position attends only to itself and earlier positions of its chunk.
    bias
        "simple" learns one number per distance; "rotary" uses the dot product of two learned vectors, one
        rotated by the distance, so its parameter count does not depend on the chunk.
    """

    def __init__(self, shared: int, chunk: int, causal: bool, weighting: Weighting, bias: BiasKind = "simple"):
        super().__init__()
        self.chunk = chunk
        self.causal = causal
        self.weighting = weighting
        self.bias = SimpleBias(chunk, causal) if bias == "simple" else RotaryBias(shared, causal)

    def forward(self, q: Tensor, k: Tensor, v: Tensor, valid: Tensor | None = None) -> Tensor:
        """Return (batch, length, value) for `q`, `k` (batch, length, shared) and `v` (batch, length, value)."""
        bias = self.bias(min(self.chunk, q.shape[1]))
        options: dict[str, Any] = {"chunk": self.chunk, "causal": self.causal, "weighting": self.weighting}
        return chunked_attention(q, k, v, bias, valid=valid, **options)

    def init_state(self, batch: int, shared: int, value: int) -> Cache:
        """Return the empty cache: "keys" (batch, 0, shared) and "values" (batch, 0, value)."""
        some = next(self.parameters())
        return {"keys": some.new_empty(batch, 0, shared), "values": some.new_empty(batch, 0, value)}

    def step(self, q: Tensor, k: Tensor, v: Tensor, cache: Cache) -> tuple[Tensor, Cache]:
        """Attend from one position, with `q` and `k` (batch, shared) and `v` (batch, value), to its chunk so far."""
        keys, values = torch.cat([cache["keys"], k[:, None]], 1), torch.cat([cache["values"], v[:, None]], 1)
        n = keys.shape[1]
        scores, bias = (keys @ q[..., None]).squeeze(-1), self.bias.by_distance(n).flip(0)
        if self.weighting == "softmax":
            weights = (scores * q.shape[-1] ** -0.5 + bias).softmax(dim=-1)
        else:
            weights = ELEMENTWISE[self.weighting](scores / n + bias)
        y = (weights[:, None] @ values).squeeze(1)
        if n == self.chunk:
            return y, self.init_state(len(q), q.shape[1], v.shape[1])
        return y, {"keys": keys, "values": values}


class RelativeBias(nn.Module):
    """A bias that depends on the distance from query to key."""

    def __init__(self, causal: bool):
        super().__init__()
        self.causal = causal

    def by_distance(self, size: int) -> Tensor:
        """Return the biases for distances 0 (1 - `size` if not causal) to `size` - 1."""
        raise NotImplementedError

    def forward(self, size: int) -> Tensor:
        """Return the biases (queries, keys) for `size` positions."""
        numbers = self.by_distance(size)
        position = torch.arange(size, device=numbers.device)
        behind = position[:, None] - position
        return numbers[behind.clamp(min=0) if self.causal else behind + size - 1]


class SimpleBias(RelativeBias):
    """One learned number per distance."""

    def __init__(self, chunk: int, causal: bool):
        super().__init__(causal)
        self.chunk = chunk
        self.offsets = nn.Parameter(torch.empty(chunk if causal else 2 * chunk - 1).normal_(std=0.02))

    def by_distance(self, size: int) -> Tensor:
        return self.offsets[:size] if self.causal else self.offsets[self.chunk - size : self.chunk + size - 1]


class RotaryBias(RelativeBias):
    """Dot product of two learned vectors, one rotated by the distance (Ma et al., arXiv:2209.10655)."""

    def __init__(self, shared: int, causal: bool):
        super().__init__(causal)
        if shared % 2:
            raise UserError(f"A rotary bias rotates pairs of channels: 'shared' must be even, found {shared}.")
        self.query = nn.Parameter(torch.empty(shared).normal_(std=0.02))
        self.key = nn.Parameter(torch.empty(shared).normal_(std=0.02))

    def by_distance(self, size: int) -> Tensor:
        distances = torch.arange(0 if self.causal else 1 - size, size, device=self.query.device)
        return rotate(self.query.expand(len(distances), -1), rotary_angles(distances, len(self.query))) @ self.key
