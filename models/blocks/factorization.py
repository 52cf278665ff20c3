"""Terms of factorization machines: single fields, and products of pairs of fields."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from ...harness import Fields
from .field_embedding import FieldEmbedding
from .perceptron import xavier_linear


class FirstOrder(nn.Module):
    """``b + sum_f w_f[x_f]``: one weight per value of each field and per output.

    Parameters
    ----------
    bias
        Whether to include `b`; models that add another head have their bias there.
    """

    def __init__(self, fields: Fields, outputs: int, *, bias: bool = True):
        super().__init__()
        self.weights = FieldEmbedding(fields, outputs)
        self.bias = nn.Parameter(torch.zeros(outputs)) if bias else None

    def forward(self, ids: Tensor, dense: Tensor | None = None) -> Tensor:
        total = self.weights(ids, dense).sum(1)
        return total if self.bias is None else total + self.bias


class PairProducts(nn.Module):
    """``sum_{f < g} <v_f, v_g>`` in linear time (Rendle 2010, equation 3).

    With several outputs, each weights the entries of the products by a learned vector,
    ``sum_{f < g} <v_f, v_g, u_o>``; with one output this module has no parameters.
    """

    def __init__(self, dim: int, outputs: int):
        super().__init__()
        self.outputs = xavier_linear(dim, outputs, bias=False) if outputs > 1 else None

    def forward(self, vectors: Tensor) -> Tensor:
        """Map the fields' vectors (batch, fields, dim) to (batch, outputs)."""
        products = 0.5 * (vectors.sum(1) ** 2 - (vectors**2).sum(1))
        return products.sum(1, keepdim=True) if self.outputs is None else self.outputs(products)
