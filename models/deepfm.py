"""DeepFM: a factorization machine and an MLP on the same embeddings."""

from __future__ import annotations

from collections.abc import Iterable

from torch import Tensor, nn

from ..harness import FieldModel, Fields, register_model
from .blocks.factorization import FirstOrder, PairProducts
from .blocks.field_embedding import FieldEmbedding
from .blocks.perceptron import hidden_layers, xavier_linear


@register_model(
    "deepfm",
    paper="arXiv:1703.04247",
    summary="A factorization machine plus an MLP on shared field embeddings.",
    family="feature interaction",
)
class DeepFM(FieldModel):
    """``FM(E) + MLP(e)`` with shared embeddings (Guo et al., IJCAI 2017).

    Products: the factorization machine multiplies the vectors of each pair of fields; the MLP
    multiplies nothing. As in FuxiCTR, the sum has a single bias, the MLP's.

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
        self.first_order = FirstOrder(fields, outputs, bias=False)
        self.embedding = FieldEmbedding(fields, embedding)
        self.pairs = PairProducts(embedding, outputs)
        self.hidden = hidden_layers(self.embedding.n_vectors * embedding, [width] * depth, dropout=dropout)
        self.head = xavier_linear(width, outputs)

    def forward(self, ids: Tensor, dense: Tensor | None = None) -> Tensor:
        vectors = self.embedding(ids, dense)
        machine = self.first_order(ids, dense) + self.pairs(vectors)
        return machine + self.head(self.hidden(vectors.flatten(1)))

    def body_parameters(self) -> Iterable[nn.Parameter]:
        return self.hidden.parameters()
