"""The baseline for fields: a multi-layer perceptron."""

from __future__ import annotations

from collections.abc import Iterable

from torch import Tensor, nn

from ..harness import FieldModel, Fields, register_model
from .blocks.field_embedding import FieldEmbedding
from .blocks.perceptron import hidden_layers, xavier_linear


@register_model(
    "mlp",
    paper="arXiv:1606.07792",
    summary="Multi-layer perceptron over the concatenated embeddings of all fields.",
    family="baseline",
    together=64,
)
class MLP(FieldModel):
    """Concatenated embeddings, `depth` hidden layers of `width` units, and a linear head.

    This is the DNN of FuxiCTR's benchmarks, and the deep part of Wide & Deep (Cheng et al. 2016).
    There are no products: interactions have to be built from sums and ReLU.

    Parameters
    ----------
    embedding
        Size of each field's vector.
    dropout
        Dropout rate of the hidden units.
    """

    bounds = {"embedding": (1, 4096), "dropout": (0, 0.99)}

    def __init__(
        self, fields: Fields, outputs: int, width: int, depth: int, *, embedding: int = 10, dropout: float = 0.0
    ):
        super().__init__()
        self.embedding = FieldEmbedding(fields, embedding)
        self.hidden = hidden_layers(self.embedding.n_vectors * embedding, [width] * depth, dropout=dropout)
        self.head = xavier_linear(width, outputs)

    def forward(self, ids: Tensor, dense: Tensor | None = None) -> Tensor:
        return self.head(self.hidden(self.embedding(ids, dense).flatten(1)))

    def body_parameters(self) -> Iterable[nn.Parameter]:
        return self.hidden.parameters()
