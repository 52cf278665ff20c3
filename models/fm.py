"""Factorization machine: products of all pairs of fields."""

from __future__ import annotations

from collections.abc import Iterable

from torch import Tensor, nn

from ..harness import FieldModel, Fields, register_model
from .blocks.factorization import FirstOrder, PairProducts
from .blocks.field_embedding import FieldEmbedding


@register_model(
    "fm",
    paper="doi:10.1109/ICDM.2010.127",
    summary="Factorization machine: logistic regression plus the inner products of all pairs of field vectors.",
    family="feature interaction",
    together=128,
)
class FM(FieldModel):
    """``b + sum_f w_f[x_f] + sum_{f < g} <v_f[x_f], v_g[x_g]>`` (Rendle, ICDM 2010).

    Products: the vectors of each pair of fields, entry by entry; degree two. There are no hidden
    units: the task's fields determine the size, and all parameters count as the body.

    Parameters
    ----------
    embedding
        Size of each field's vector, the rank of the products.
    """

    fixed_width = 1
    bounds = {"embedding": (1, 4096)}

    def __init__(self, fields: Fields, outputs: int, *, embedding: int = 10):
        super().__init__()
        self.first_order = FirstOrder(fields, outputs)
        self.embedding = FieldEmbedding(fields, embedding)
        self.pairs = PairProducts(embedding, outputs)

    def forward(self, ids: Tensor, dense: Tensor | None = None) -> Tensor:
        return self.first_order(ids, dense) + self.pairs(self.embedding(ids, dense))

    def body_parameters(self) -> Iterable[nn.Parameter]:
        return self.parameters()
