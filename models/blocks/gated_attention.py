"""The block of MEGA and related models: gated attention between filtered tokens, then a feed-forward network.

All parameters other than the filter's have the same names and shapes in every model built on this
block, so the models differ only in the filter.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import get_args

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ...harness import State, UserError
from .chunked_attention import BiasKind, ChunkedAttention, Weighting
from .dropout import Dropout
from .filters import SkipFilter
from .norms import NormKind, make_norm
from .residual import ResidualStack, Stepping


class GatedAttentionModel(ResidualStack):
    """A stack of `depth` blocks around a filter; pre-norm stacks end with one more norm.

    Parameters
    ----------
    make_filter
        Creates the filter of one direction; see `blocks.filters`.
    chunk
        Number of positions per attention chunk; None for the whole length.
    shared, value
        Channels of queries and keys, and of values; half and twice the width by default.
    ffn
        Units of the feed-forward network; twice the width by default.
    attention
        "softmax", "laplace" or "relu2".
    bias
        Attention bias by distance: "simple" or "rotary".
    norm
        "layer", "scale" or "batch".
    prenorm
        Whether each part normalizes its input; otherwise it normalizes its result.
    dropout
        Dropout rate of the input, and after the filter, the attention unit and the feed-forward network.
    """

    width_multiple = 8
    slack = "ffn"
    bounds = {"chunk": (1, 2**20), "shared": (1, 2**20), "value": (1, 2**20), "ffn": (1, 2**20), "dropout": (0, 0.99)}

    def __init__(
        self,
        width: int,
        depth: int,
        causal: bool,
        length: int,
        make_filter: Callable[[], Stepping],
        *,
        chunk: int | None,
        shared: int | None,
        value: int | None,
        ffn: int | None,
        attention: Weighting,
        bias: BiasKind,
        norm: NormKind,
        prenorm: bool,
        dropout: float,
    ):
        super().__init__()
        choices = {"attention": (attention, Weighting), "bias": (bias, BiasKind), "norm": (norm, NormKind)}
        for name, (choice, known) in choices.items():
            if choice not in get_args(known):
                raise UserError(f"Unknown {name} '{choice}': use one of {', '.join(get_args(known))}.")
        self.causal = causal
        self.dropout = Dropout(dropout)
        self.blocks = nn.ModuleList()
        for _ in range(depth):
            z = shared or width // 2
            unit = GatedAttention(
                width,
                z,
                value or 2 * width,
                SkipFilter(width, make_filter, causal),
                ChunkedAttention(z, min(chunk or length, length), causal, attention, bias),
                make_norm(norm, width),
                prenorm=prenorm,
                dropout=dropout,
            )
            ffn_norm = make_norm(norm, width)
            self.blocks.append(Block(unit, FeedForward(width, ffn or 2 * width, ffn_norm, prenorm, dropout)))
        self.norm = make_norm(norm, width) if prenorm else None

    def forward(self, x: Tensor, lengths: Tensor | None = None) -> Tensor:
        return super().forward(self.dropout(x), lengths)


class Block(nn.Module):
    """The gated attention unit, then the feed-forward network."""

    def __init__(self, unit: GatedAttention, ffn: FeedForward):
        super().__init__()
        self.unit = unit
        self.ffn = ffn

    def forward(self, x: Tensor, valid: Tensor | None) -> Tensor:
        return self.ffn(self.unit(x, valid), valid)

    def init_state(self, batch: int) -> State:
        return self.unit.init_state(batch)

    def step(self, x: Tensor, state: State) -> tuple[Tensor, State]:
        x, state = self.unit.step(x, state)
        return self.ffn(x), state


class GatedAttention(nn.Module):
    """Single-head attention between filtered tokens with an output gate (Ma et al., arXiv:2209.10655).

    Let x be the input, normalized if `prenorm`, and ``m = filter(x)``. Then ``v = SiLU(W x)``, and
    ``q`` and ``k`` are scaled and shifted copies of ``SiLU(W m)``. The attention's result o is
    multiplied by ``r = SiLU(W m)`` and enters ``h = SiLU(W m + W (r * o))``. The unit returns
    ``input + u * (h - input)`` with ``u = sigmoid(W m)``, normalized if not `prenorm`. Each W is a
    different matrix. Weights are initialized with standard deviation 0.02, biases with zero.

    Parameters
    ----------
    width, shared, value
        Channels of the input, of queries and keys, and of values.
    mixer
        The filter, the only path between chunks: called with (batch, length, width) and the valid
        positions or None, it returns the same shape.
    """

    def __init__(
        self,
        width: int,
        shared: int,
        value: int,
        mixer: Stepping,
        attention: ChunkedAttention,
        norm: nn.Module,
        *,
        prenorm: bool = True,
        dropout: float = 0.0,
    ):
        super().__init__()
        self.splits = (width, shared, value, width)
        self.prenorm = prenorm
        self.norm = norm
        self.mixer = mixer
        self.value = small_linear(width, value)
        self.projections = small_linear(width, sum(self.splits))
        self.attended = small_linear(value, width)
        self.scale = nn.Parameter(torch.empty(2, shared).normal_(std=0.02))
        self.offset = nn.Parameter(torch.zeros(2, shared))
        self.attention = attention
        self.dropout = Dropout(dropout)

    def forward(self, x: Tensor, valid: Tensor | None = None) -> Tensor:
        """Mix `x` (batch, length, width); `valid` (batch, length) marks non-padding positions."""
        normed = self.norm(x, valid) if self.prenorm else x
        q, k, r, u, h = self._project(self.mixer(normed, valid))
        attended = self.attention(q, k, F.silu(self.value(normed)), valid)
        return self._update(x, attended * r, u, h, valid)

    def init_state(self, batch: int) -> State:
        _, shared, value, _ = self.splits
        cache = self.attention.init_state(batch, shared, value)
        return {"filter": self.mixer.init_state(batch), "cache": cache}

    def step(self, x: Tensor, state: State) -> tuple[Tensor, State]:
        """Mix one position `x` (batch, width)."""
        normed = self.norm(x) if self.prenorm else x
        m, moved = self.mixer.step(normed, state["filter"])
        q, k, r, u, h = self._project(m)
        attended, cache = self.attention.step(q, k, F.silu(self.value(normed)), state["cache"])
        return self._update(x, attended * r, u, h, None), {"filter": moved, "cache": cache}

    def _project(self, m: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
        """Return queries, keys, the gates r and u, and the filter's contribution to h, for filtered tokens."""
        u, z, r, h = self.projections(self.dropout(m)).split(self.splits, dim=-1)
        z = F.silu(z)
        q, k = (z * scale + offset for scale, offset in zip(self.scale, self.offset, strict=True))
        return q, k, F.silu(r), torch.sigmoid(u), h

    def _update(self, x: Tensor, attended: Tensor, u: Tensor, h: Tensor, valid: Tensor | None) -> Tensor:
        h = self.dropout(F.silu(h + self.attended(attended)))
        y = x + u * (h - x)
        return y if self.prenorm else self.norm(y, valid)


class FeedForward(nn.Module):
    """``x + W SiLU(W norm(x))``, or the norm of ``x + W SiLU(W x)``."""

    def __init__(self, width: int, units: int, norm: nn.Module, prenorm: bool = True, dropout: float = 0.0):
        super().__init__()
        self.prenorm = prenorm
        self.norm = norm
        self.up = small_linear(width, units)
        self.down = small_linear(units, width)
        self.dropout = Dropout(dropout)

    def forward(self, x: Tensor, valid: Tensor | None = None) -> Tensor:
        normed = self.norm(x, valid) if self.prenorm else x
        y = x + self.dropout(self.down(F.silu(self.up(normed))))
        return y if self.prenorm else self.norm(y, valid)


def small_linear(inputs: int, outputs: int) -> nn.Linear:
    """Return a Linear layer with weights of standard deviation 0.02 and zero bias."""
    layer = nn.Linear(inputs, outputs)
    nn.init.normal_(layer.weight, std=0.02)
    nn.init.zeros_(layer.bias)
    return layer
