"""DCNv2: crosses weighed by a matrix, beside a perceptron."""

from __future__ import annotations

from functools import partial

from torch import Tensor, nn

from ..harness.contract.registry import register_model
from ..harness.contract.spec import Fields
from .blocks.cross_and_deep import CrossAndDeep
from .blocks.perceptron import xavier_linear


@register_model(
    "dcnv2",
    paper="arXiv:2008.13535",
    summary="Deep & Cross network V2: crosses that multiply the embeddings by a linear map of themselves, beside an "
    "MLP.",
    family="feature interaction",
)
class DCNv2(CrossAndDeep):
    """``x_{l+1} = x_l + e * (W_l x_l + b_l)`` from ``x_0 = e``, beside an MLP (Wang et al., WWW 2021).

    What multiplies with what: the embeddings with a linear map of what the last layer gave, entry
    by entry; degree one more than the layers.

    This is the parallel form, the one that the benchmarks report. W is a full matrix, or the
    product of two of rank r (the paper's section 3.4, without its mixture of experts).

    Parameters
    ----------
    cross_layers
        How many crosses.
    rank
        Rank of W. By default the width where that takes fewer weights than a full matrix, which
        happens only where the embeddings together have more than twice as many entries as the
        width; published sizes are full.
    embedding
        Entries of a field's vector.
    dropout
        Share of the MLP's hidden units dropped in training.
    """

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
    """``e * (W x + b)``, with W of the given rank where that takes fewer weights."""

    def __init__(self, inputs: int, rank: int):
        super().__init__()
        if 2 * rank < inputs:
            self.map = nn.Sequential(xavier_linear(inputs, rank, bias=False), xavier_linear(rank, inputs))
        else:
            self.map = xavier_linear(inputs, inputs)

    def forward(self, e: Tensor, x: Tensor) -> Tensor:
        return e * self.map(x)
