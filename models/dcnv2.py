"""DCNv2: cross layers with weight matrices, in parallel with an MLP."""

from __future__ import annotations

from functools import partial

from torch import Tensor, nn

from ..harness import Fields, register_model
from .blocks.cross_and_deep import CrossAndDeep
from .blocks.perceptron import xavier_linear


@register_model(
    "dcnv2",
    paper="arXiv:2008.13535",
    summary="Deep & Cross network V2: cross layers that multiply the embeddings by linear maps, plus an MLP.",
    family="feature interaction",
)
class DCNv2(CrossAndDeep):
    """``x_{l+1} = x_l + e * (W_l x_l + b_l)`` from ``x_0 = e``, in parallel with an MLP (Wang et al., WWW 2021).

    Products: each layer multiplies the embeddings entry by entry with a linear map of the previous
    layer's output. The degree is one more than the number of cross layers.

    This is the parallel form, which the benchmarks report. W is a full matrix, or the product of
    two matrices of rank r (the paper's section 3.4, without its mixture of experts).

    Parameters
    ----------
    cross_layers
        Number of cross layers.
    rank
        Rank of W; the width by default. W is a full matrix if that takes no more weights, that is,
        if the concatenated embeddings have at most twice as many entries as the rank. At the
        published sizes W is full.
    embedding
        Size of each field's vector.
    dropout
        Dropout rate of the MLP's hidden units.
    """

    bounds = {"cross_layers": (1, 64), "rank": (1, 4096), "embedding": (1, 4096), "dropout": (0, 0.99)}

    def __init__(
        self,
        fields: Fields,
        outputs: int,
        width: int,
        depth: int,
        *,
        cross_layers: int = 3,
        rank: int | None = None,
        embedding: int = 10,
        dropout: float = 0.0,
    ):
        options = {"cross_layers": cross_layers, "embedding": embedding, "dropout": dropout}
        super().__init__(fields, outputs, width, depth, partial(MatrixCross, rank=rank or width), **options)


class MatrixCross(nn.Module):
    """``e * (W x + b)``, with W of the given rank if that takes fewer weights than a full matrix."""

    def __init__(self, inputs: int, rank: int):
        super().__init__()
        if 2 * rank < inputs:
            self.map = nn.Sequential(xavier_linear(inputs, rank, bias=False), xavier_linear(rank, inputs))
        else:
            self.map = xavier_linear(inputs, inputs)

    def forward(self, e: Tensor, x: Tensor) -> Tensor:
        return e * self.map(x)
