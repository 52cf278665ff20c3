"""Attention inside consecutive chunks, with a learned bias for each distance."""

from __future__ import annotations

from typing import Any, Literal

import torch
from torch import Tensor, nn

from ...harness.errors import UserError
from ...kernels.chunked_attention import ELEMENTWISE, Weighting, chunked_attention
from .rotary import rotary_angles, rotate

BiasKind = Literal["simple", "rotary"]
Cache = dict[str, Tensor]


class ChunkedAttention(nn.Module):
    """Single-head attention of each position to those of its own chunk.

    "softmax" weighs keys by ``softmax(q k / sqrt(shared) + bias)``; "laplace" and "relu2" weigh each
    key by itself, by that function of ``q k / n + bias`` with n the keys that the query sees.

    Parameters
    ----------
    shared
        Channels of queries and keys.
    chunk
        Positions that attend to each other.
    causal
        Whether attention is to earlier positions of the chunk alone.
    bias
        "simple" learns one number a distance; "rotary" takes the product of two learned vectors, one of
        them turned by the distance, so that its size does not grow with the chunk.
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
        """Attend from one position, `q` and `k` (batch, shared), `v` (batch, value), to its chunk so far."""
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
    """A number for how far each key lies behind its query."""

    def __init__(self, causal: bool):
        super().__init__()
        self.causal = causal

    def by_distance(self, size: int) -> Tensor:
        """Return the numbers for distances 0, or 1 - `size` where not causal, to `size` - 1."""
        raise NotImplementedError

    def forward(self, size: int) -> Tensor:
        """Return (queries, keys)."""
        numbers = self.by_distance(size)
        position = torch.arange(size, device=numbers.device)
        behind = position[:, None] - position
        return numbers[behind.clamp(min=0) if self.causal else behind + size - 1]


class SimpleBias(RelativeBias):
    """One learned number a distance."""

    def __init__(self, chunk: int, causal: bool):
        super().__init__(causal)
        self.chunk = chunk
        self.offsets = nn.Parameter(torch.empty(chunk if causal else 2 * chunk - 1).normal_(std=0.02))

    def by_distance(self, size: int) -> Tensor:
        """Return the middle of the learned numbers; see `RelativeBias.by_distance`."""
        return self.offsets[:size] if self.causal else self.offsets[self.chunk - size : self.chunk + size - 1]


class RotaryBias(RelativeBias):
    """The product of two learned vectors, the query's turned by the distance (Ma et al., arXiv:2209.10655)."""

    def __init__(self, shared: int, causal: bool):
        super().__init__(causal)
        if shared % 2:
            raise UserError(f"A rotary bias turns pairs of channels: 'shared' must be even, found {shared}.")
        self.query = nn.Parameter(torch.empty(shared).normal_(std=0.02))
        self.key = nn.Parameter(torch.empty(shared).normal_(std=0.02))

    def by_distance(self, size: int) -> Tensor:
        """Return the products; see `RelativeBias.by_distance`."""
        distances = torch.arange(0 if self.causal else 1 - size, size, device=self.query.device)
        return rotate(self.query.expand(len(distances), -1), rotary_angles(distances, len(self.query))) @ self.key
