"""What the two Deep & Cross networks share: a tower of crosses beside a perceptron."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import torch
from torch import Tensor, nn

from ...harness.contract.model import FieldModel
from ...harness.contract.spec import Fields
from .field_embedding import FieldEmbedding
from .perceptron import hidden_layers, xavier_linear


class CrossAndDeep(FieldModel):
    """``w [cross(e), MLP(e)] + b``, where each cross adds to its input a product with e.

    Parameters
    ----------
    make_cross
        Gives a layer for vectors of so many entries, which maps e and the layer's input x to the
        product that is added to x.
    cross_layers
        How many crosses; the tower's degree is one more.
    embedding
        Entries of a field's vector.
    dropout
        Share of the perceptron's hidden units dropped in training.
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
        self.readout = xavier_linear(inputs + width, outputs)

    def forward(self, ids: Tensor, dense: Tensor | None = None) -> Tensor:
        """Score rows; see `FieldModel.forward`."""
        e = self.embedding(ids, dense).flatten(1)
        x = e
        for cross in self.crosses:
            x = x + cross(e, x)
        return self.readout(torch.cat((x, self.hidden(e)), dim=1))

    def body_parameters(self) -> Iterable[nn.Parameter]:
        """Return the parameters of the crosses and the hidden layers."""
        yield from self.crosses.parameters()
        yield from self.hidden.parameters()
