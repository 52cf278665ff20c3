"""The layers the harness adds to a sequence model: an embedding, a final norm and a head.

They are the same for every model and do not count toward a tier's body size.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from ..contract.spec import Labels

EMBEDDING_STD = 1.0
"""Standard deviation of initial embeddings; a protocol constant.

This is torch's default. With 0.02, common in large language models, the output of the first block
drowns out the token's embedding, and narrow recurrent models learned recall more slowly.
"""


def embedding_table(rows: int, width: int) -> nn.Embedding:
    """Return a table initialized from N(0, 1); row 0, the padding, is zero and stays zero."""
    table = nn.Embedding(rows, width, padding_idx=0)
    with torch.no_grad():
        table.weight.normal_(0, EMBEDDING_STD)[0].zero_()
    return table


class TokenEmbedding(nn.Module):
    """Embed tokens (B, length) as (B, length, width)."""

    def __init__(self, vocab_size: int, width: int):
        super().__init__()
        self.table = embedding_table(vocab_size, width)

    def forward(self, tokens: Tensor, lengths: Tensor | None = None) -> tuple[Tensor, Tensor | None]:
        return self.table(tokens), lengths


class PairEmbedding(TokenEmbedding):
    """Embed both sides of a pair as rows of one batch: (B, 2, length) to (2B, length, width)."""

    def forward(self, tokens: Tensor, lengths: Tensor | None = None) -> tuple[Tensor, Tensor | None]:
        return super().forward(tokens.flatten(0, 1), None if lengths is None else lengths.flatten())


class SeriesEmbedding(nn.Module):
    """Map real vectors (B, length, channels) to (B, length, width) with one linear layer."""

    def __init__(self, channels: int, width: int):
        super().__init__()
        self.linear = nn.Linear(channels, width)

    def forward(self, values: Tensor) -> tuple[Tensor, None]:
        return self.linear(values), None


def positions(count: int, lengths: Tensor) -> Tensor:
    """Return a mask (B, count) of the valid positions in each row."""
    return torch.arange(count, device=lengths.device) < lengths.unsqueeze(-1)


def masked_mean(x: Tensor, lengths: Tensor | None) -> Tensor:
    """Return the mean of x (B, length, width) over the valid positions of each row, (B, width)."""
    if lengths is None:
        return x.mean(1)
    valid = positions(x.shape[1], lengths).unsqueeze(-1)
    return x.masked_fill(~valid, 0).sum(1) / lengths.clamp(min=1).unsqueeze(-1)


def last_position(x: Tensor, lengths: Tensor | None) -> Tensor:
    """Return the last valid position of each row of x (B, length, width), (B, width)."""
    if lengths is None:
        return x[:, -1]
    return x[torch.arange(len(x), device=x.device), (lengths - 1).clamp(min=0)]


class Head(nn.Module):
    """A head whose last layer is `linear`."""

    linear: nn.Linear


class PositionHead(Head):
    """One output vector per position: (B, length, width) to (B, length, n)."""

    def __init__(self, width: int, n: int):
        super().__init__()
        self.norm = nn.LayerNorm(width)
        self.linear = nn.Linear(width, n)

    def forward(self, x: Tensor, lengths: Tensor | None) -> Tensor:
        return self.linear(self.norm(x))


class RowHead(PositionHead):
    """One output vector per row, from the mean over its valid positions: (B, length, width) to (B, n)."""

    def forward(self, x: Tensor, lengths: Tensor | None) -> Tensor:
        return self.linear(masked_mean(self.norm(x), lengths))


class LastHead(Head):
    """One output vector per row, from its last valid position, unnormalized: (B, length, width) to (B, n)."""

    def __init__(self, width: int, n: int):
        super().__init__()
        self.linear = nn.Linear(width, n)

    def forward(self, x: Tensor, lengths: Tensor | None) -> Tensor:
        return self.linear(last_position(x, lengths))


class LabelsHead(Head):
    """`count` answers per row, from its last valid position: (B, length, width) to (B, count * n).

    The decoder of Poli et al. 2024 (arXiv:2403.17844): to the normalized vector of that position, it adds a vector
    per answer, and applies two layers of the same width, which all answers share.
    """

    def __init__(self, width: int, labels: Labels):
        super().__init__()
        self.norm = nn.LayerNorm(width)
        self.places = nn.Parameter(torch.empty(labels.count, width).normal_(0, EMBEDDING_STD))
        self.decoder = nn.Sequential(
            *(layer for _ in range(2) for layer in (nn.Linear(width, width), nn.GELU(), nn.LayerNorm(width)))
        )
        self.linear = nn.Linear(width, labels.n)

    def forward(self, x: Tensor, lengths: Tensor | None) -> Tensor:
        places = self.norm(last_position(x, lengths)).unsqueeze(1) + self.places
        return self.linear(self.decoder(places)).flatten(1)


class PairHead(Head):
    """One output vector per pair, from [e1, e2, e1 - e2, e1 * e2] of its means: (2B, length, width) to (B, n)."""

    def __init__(self, width: int, n: int):
        super().__init__()
        self.norm = nn.LayerNorm(width)
        self.linear = nn.Linear(4 * width, n)

    def forward(self, x: Tensor, lengths: Tensor | None) -> Tensor:
        first, second = masked_mean(self.norm(x), lengths).unflatten(0, (-1, 2)).unbind(1)
        return self.linear(torch.cat((first, second, first - second, first * second), -1))
