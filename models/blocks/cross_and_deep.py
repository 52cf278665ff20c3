"""The common structure of the Deep & Cross networks: cross layers in parallel with an MLP."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import torch
from torch import Tensor, nn

from ...harness import FieldModel, Fields
from .field_embedding import FieldEmbedding
from .perceptron import hidden_layers, xavier_linear


class CrossAndDeep(FieldModel):
    """``w [cross(e), MLP(e)] + b``, in which each cross layer adds a product with e to its input.

    Parameters
    ----------
    make_cross
        Takes the vector size and returns a layer that maps e and its input x to the product that is
        added to x.
    """

    def __init__(
        self,
        fields: Fields,
        outputs: int,
        width: int,
        depth: int,
        make_cross: Callable[[int], nn.Module],
        *,
        cross_layers: int,
        embedding: int,
        dropout: float,
    ):
        super().__init__()
        self.embedding = FieldEmbedding(fields, embedding)
        inputs = self.embedding.n_vectors * embedding
        self.crosses = nn.ModuleList(make_cross(inputs) for _ in range(cross_layers))
        self.hidden = hidden_layers(inputs, [width] * depth, dropout=dropout)
        self.head = xavier_linear(inputs + width, outputs)

    def forward(self, ids: Tensor, dense: Tensor | None = None) -> Tensor:
        e = self.embedding(ids, dense).flatten(1)
        x = e
        for cross in self.crosses:
            x = x + cross(e, x)
        return self.head(torch.cat((x, self.hidden(e)), dim=1))

    def body_parameters(self) -> Iterable[nn.Parameter]:
        yield from self.crosses.parameters()
        yield from self.hidden.parameters()
