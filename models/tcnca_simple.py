"""The simplified TCNCA for associative recall: the same two parts without gates."""

from __future__ import annotations

from torch import Tensor, nn

from ..harness import State, register_model
from .blocks.chunked_attention import ChunkedAttention
from .blocks.dropout import Dropout
from .blocks.filters import BothWays
from .blocks.gated_attention import FeedForward
from .blocks.norms import LayerNorm
from .blocks.residual import ResidualStack
from .blocks.tcn import TCN, fewest_layers


@register_model(
    "tcnca-simple",
    paper="arXiv:2312.05605",
    summary="Dilated convolutions and chunked attention as plain residual blocks, without TCNCA's gates.",
    family="gated attention",
)
class TCNCASimple(ResidualStack):
    """TCNCA "without excessive multiplicative and additive interactions" (Terzic et al. 2023).

    The paper's abstract mentions such a model for associative recall but does not define it. Our
    interpretation: ``x += TCN(Norm(x))``, ``x += Attention(Norm(x))`` with plain queries, keys and values
    within chunks, ``x += FFN(Norm(x))``. There are no gates, queries and keys are separate linear
    maps, and values come from the filtered tokens too.

    Products: filtered tokens with each other as queries and keys, and their softmax with values.

    Parameters
    ----------
    kernel, factor
        Taps of each filter, and the ratio of the dilations of consecutive layers, at most `kernel`.
    layers
        Number of filters per stack; by default the fewest that span the length.
    chunk
        Number of positions per attention chunk.
    ffn
        Units of the feed-forward network; four times the width by default.
    dropout
        Dropout rate before each addition to the residual stream.
    """

    width_multiple = 8
    slack = "ffn"
    bounds = {
        "kernel": (2, 1024),
        "factor": (1, 1024),
        "layers": (1, 64),
        "chunk": (1, 2**20),
        "ffn": (1, 2**20),
        "dropout": (0, 0.99),
    }

    def __init__(
        self,
        width: int,
        depth: int,
        causal: bool,
        length: int,
        *,
        kernel: int = 17,
        factor: int = 8,
        layers: int | None = None,
        chunk: int = 128,
        ffn: int | None = None,
        dropout: float = 0.0,
    ):
        super().__init__()
        fewest = fewest_layers(length, kernel, factor)
        self.blocks = nn.ModuleList(
            Block(
                BothWays(lambda: TCN(width, kernel, factor, layers or fewest), causal),
                Attention(width, ChunkedAttention(width, min(chunk, length), causal, "softmax")),
                FeedForward(width, ffn or 4 * width, LayerNorm(width), dropout=dropout),
                dropout,
            )
            for _ in range(depth)
        )
        self.norm = LayerNorm(width)


class Block(nn.Module):
    """Filter, attention and feed-forward network, each added to the residual stream."""

    def __init__(self, mixer: BothWays, attention: Attention, ffn: FeedForward, dropout: float):
        super().__init__()
        width = attention.out.in_features
        self.mixer_norm, self.mixer = LayerNorm(width), mixer
        self.attention_norm, self.attention = LayerNorm(width), attention
        self.ffn = ffn
        self.dropout = Dropout(dropout)

    def forward(self, x: Tensor, valid: Tensor | None) -> Tensor:
        x = x + self.dropout(self.mixer(self.mixer_norm(x), valid))
        x = x + self.dropout(self.attention(self.attention_norm(x), valid))
        return self.ffn(x)

    def init_state(self, batch: int) -> State:
        return {"filter": self.mixer.init_state(batch), "cache": self.attention.init_state(batch)}

    def step(self, x: Tensor, state: State) -> tuple[Tensor, State]:
        moved, filtered = self.mixer.step(self.mixer_norm(x), state["filter"])
        x = x + self.dropout(moved)
        attended, cache = self.attention.step(self.attention_norm(x), state["cache"])
        return self.ffn(x + self.dropout(attended)), {"filter": filtered, "cache": cache}


class Attention(nn.Module):
    """Chunked attention with linear maps for queries, keys, values and outputs."""

    def __init__(self, width: int, chunked: ChunkedAttention):
        super().__init__()
        self.qkv = nn.Linear(width, 3 * width)
        self.chunked = chunked
        self.out = nn.Linear(width, width)

    def forward(self, x: Tensor, valid: Tensor | None) -> Tensor:
        return self.out(self.chunked(*self.qkv(x).chunk(3, dim=-1), valid))

    def init_state(self, batch: int) -> dict[str, Tensor]:
        return self.chunked.init_state(batch, self.out.in_features, self.out.in_features)

    def step(self, x: Tensor, cache: dict[str, Tensor]) -> tuple[Tensor, dict[str, Tensor]]:
        q, k, v = self.qkv(x).chunk(3, dim=-1)
        y, cache = self.chunked.step(q, k, v, cache)
        return self.out(y), cache
