"""Logistic regression: the baseline without interactions."""

from __future__ import annotations

from collections.abc import Iterable

from torch import Tensor, nn

from ..harness import FieldModel, Fields, register_model
from .blocks.factorization import FirstOrder


@register_model(
    "lr",
    paper="doi:10.1145/1242572.1242643",
    summary="Logistic regression: one weight per value of each field, without products.",
    family="baseline",
)
class LR(FieldModel):
    """``b + sum_f w_f[x_f]`` (Richardson et al. 2007), as implemented in FuxiCTR.

    There are no products, so it cannot represent interactions of fields. There are no hidden units:
    the task's fields determine the size, and all parameters count as the body.
    """

    fixed_width = 1

    def __init__(self, fields: Fields, outputs: int):
        super().__init__()
        self.first_order = FirstOrder(fields, outputs)

    def forward(self, ids: Tensor, dense: Tensor | None = None) -> Tensor:
        return self.first_order(ids, dense)

    def body_parameters(self) -> Iterable[nn.Parameter]:
        return self.parameters()
