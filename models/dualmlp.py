"""DualMLP: the sum of two MLPs."""

from __future__ import annotations

from collections.abc import Iterable

from torch import Tensor, nn

from ..harness import FieldModel, Fields, register_model
from .blocks.field_embedding import FieldEmbedding
from .blocks.perceptron import hidden_layers, xavier_linear


@register_model(
    "dualmlp",
    paper="arXiv:2304.00902",
    summary="Two MLPs over shared field embeddings, their logits added: FinalMLP without gates and fusion.",
    family="baseline",
)
class DualMLP(FieldModel):
    """``MLP_1(e) + MLP_2(e)``, the baseline for FinalMLP (Mao et al., AAAI 2023).

    There are no products: the streams' outputs are added.

    Parameters
    ----------
    embedding
        Size of each field's vector.
    width2, depth2
        Units and layers of stream two; those of stream one by default.
    dropout1, dropout2
        Dropout rate of each stream's hidden units.
    """

    bounds = {
        "embedding": (1, 4096),
        "width2": (1, 2**20),
        "depth2": (1, 64),
        "dropout1": (0, 0.99),
        "dropout2": (0, 0.99),
    }

    def __init__(
        self,
        fields: Fields,
        outputs: int,
        width: int,
        depth: int,
        *,
        embedding: int = 10,
        width2: int | None = None,
        depth2: int | None = None,
        dropout1: float = 0.0,
        dropout2: float = 0.0,
    ):
        super().__init__()
        self.embedding = FieldEmbedding(fields, embedding)
        inputs = self.embedding.n_vectors * embedding
        self.stream1 = hidden_layers(inputs, [width] * depth, dropout=dropout1)
        self.stream2 = hidden_layers(inputs, [width2 or width] * (depth2 or depth), dropout=dropout2)
        self.head1 = xavier_linear(width, outputs)
        self.head2 = xavier_linear(width2 or width, outputs)

    def forward(self, ids: Tensor, dense: Tensor | None = None) -> Tensor:
        e = self.embedding(ids, dense).flatten(1)
        return self.head1(self.stream1(e)) + self.head2(self.stream2(e))

    def body_parameters(self) -> Iterable[nn.Parameter]:
        yield from self.stream1.parameters()
        yield from self.stream2.parameters()
