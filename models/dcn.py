"""DCN: cross layers with weight vectors, in parallel with an MLP."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from ..harness import Fields, register_model
from .blocks.cross_and_deep import CrossAndDeep
from .blocks.perceptron import xavier_linear


@register_model(
    "dcn",
    paper="arXiv:1708.05123",
    summary="Deep & Cross network: cross layers that scale the embeddings by an inner product, plus an MLP.",
    family="feature interaction",
)
class DCN(CrossAndDeep):
    """``x_{l+1} = x_l + (w_l . x_l) e + b_l`` from ``x_0 = e``, in parallel with an MLP (Wang et al. 2017).

    Products: each layer multiplies the embeddings by one number, an inner product with the previous
    layer's output. The degree is one more than the number of cross layers.

    Parameters
    ----------
    cross_layers
        Number of cross layers.
    embedding
        Size of each field's vector.
    dropout
        Dropout rate of the MLP's hidden units.
    """

    bounds = {"cross_layers": (1, 64), "embedding": (1, 4096), "dropout": (0, 0.99)}

    def __init__(
        self,
        fields: Fields,
        outputs: int,
        width: int,
        depth: int,
        *,
        cross_layers: int = 3,
        embedding: int = 10,
        dropout: float = 0.0,
    ):
        options = {"cross_layers": cross_layers, "embedding": embedding, "dropout": dropout}
        super().__init__(fields, outputs, width, depth, VectorCross, **options)


class VectorCross(nn.Module):
    """``(w . x) e + b``."""

    def __init__(self, inputs: int):
        super().__init__()
        self.weight = xavier_linear(inputs, 1, bias=False)
        self.bias = nn.Parameter(torch.zeros(inputs))

    def forward(self, e: Tensor, x: Tensor) -> Tensor:
        return self.weight(x) * e + self.bias
