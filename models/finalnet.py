"""FinalNet: layers that double the degree of their input, in two blocks that learn from each other."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ..harness import Binary, FieldModel, Fields, Regression, TaskSpec, UserError, register_model
from .blocks.field_embedding import FieldEmbedding
from .blocks.perceptron import hidden_layers, xavier_linear


@register_model(
    "finalnet",
    paper="doi:10.1145/3539618.3591988",
    summary="Two blocks of layers that multiply half of their units with the other half; one has gated inputs.",
    family="feature interaction",
)
class FinalNet(FieldModel):
    """Factorized interaction layers in two blocks, ``y = (y_1 + y_2) / 2`` (Zhu et al., SIGIR 2023).

    A layer computes ``h = W x + b``, splits it into halves ``(h_2, h_1)`` and returns
    ``[h_2, h_1 * h_2]``, followed by batch norm, ReLU and dropout as in FuxiCTR. The input of block
    one is ``[E, E * (G E)]``, with G a linear map over fields whose output is initially one; the input
    of block two is E.

    Products: half of each layer's units with the other half, so the degree doubles with each layer;
    and, in block one, each field's vector with a mixture of all fields' vectors.

    Each block also learns from the mean of both as a constant target; see `auxiliary_loss`. By
    default both blocks have `depth` layers of `width` units.

    Parameters
    ----------
    embedding
        Size of each field's vector.
    width2, depth2
        Units and layers of block two; those of block one by default.
    dropout1, dropout2
        Dropout rate of each block's units.
    """

    width_multiple = 2
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
        spec: TaskSpec,
        *,
        embedding: int = 10,
        width2: int | None = None,
        depth2: int | None = None,
        dropout1: float = 0.0,
        dropout2: float = 0.0,
    ):
        super().__init__()
        self.spec = spec
        self.embedding = FieldEmbedding(fields, embedding)
        inputs = self.embedding.n_vectors * embedding
        self.gate = FieldGate(self.embedding.n_vectors)
        self.block1 = hidden_layers(2 * inputs, [width] * depth, dropout=dropout1, make_map=HalfProducts)
        units2 = [width2 or width] * (depth2 or depth)
        self.block2 = hidden_layers(inputs, units2, dropout=dropout2, make_map=HalfProducts)
        self.head1 = xavier_linear(width, outputs)
        self.head2 = xavier_linear(width2 or width, outputs)
        self.last: tuple[Tensor, Tensor] | None = None

    def forward(self, ids: Tensor, dense: Tensor | None = None) -> Tensor:
        vectors = self.embedding(ids, dense)
        y1 = self.head1(self.block1(self.gate(vectors).flatten(1)))
        y2 = self.head2(self.block2(vectors.flatten(1)))
        self.last = (y1, y2) if self.training else None
        return 0.5 * (y1 + y2)

    def auxiliary_loss(self) -> Tensor | None:
        """Return the distance of both blocks' predictions from their mean, which gets no gradient.

        The distance is the task's loss: cross-entropy with the mean's probabilities as targets, or
        the squared error in regression. Returns None if there was no forward pass in training.
        """
        if self.last is None:
            return None
        (y1, y2), self.last = self.last, None
        y1, y2 = y1.float(), y2.float()
        mean = (0.5 * (y1 + y2)).detach()
        return self._distance(y1, mean) + self._distance(y2, mean)

    def _distance(self, outputs: Tensor, target: Tensor) -> Tensor:
        match self.spec.outputs:
            case Binary():
                return F.binary_cross_entropy_with_logits(outputs, target.sigmoid())
            case Regression():
                return F.mse_loss(outputs, target)
            case _:
                return F.cross_entropy(outputs, target.softmax(-1))

    def body_parameters(self) -> Iterable[nn.Parameter]:
        for part in (self.gate, self.block1, self.block2):
            yield from part.parameters()


class FieldGate(nn.Module):
    """``[E, E * (G E)]`` of vectors E (batch, fields, dim), with G a linear map over the fields."""

    def __init__(self, n_fields: int):
        super().__init__()
        self.mix = nn.Linear(n_fields, n_fields)
        nn.init.zeros_(self.mix.weight)
        nn.init.ones_(self.mix.bias)

    def forward(self, vectors: Tensor) -> Tensor:
        gates = self.mix(vectors.transpose(1, 2)).transpose(1, 2)
        return torch.cat((vectors, vectors * gates), dim=1)


class HalfProducts(nn.Module):
    """``[h_2, h_1 * h_2]`` of a linear map's halves ``(h_2, h_1)``."""

    def __init__(self, inputs: int, outputs: int):
        super().__init__()
        if outputs % 2:
            raise UserError(f"finalnet multiplies one half of its units with the other, so {outputs} must be even.")
        self.linear = xavier_linear(inputs, outputs)

    def forward(self, x: Tensor) -> Tensor:
        h2, h1 = self.linear(x).chunk(2, dim=-1)
        return torch.cat((h2, h1 * h2), dim=-1)
