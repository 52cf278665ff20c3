"""FinalMLP: two gated streams of hidden layers, fused by a bilinear form."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import torch
from torch import Tensor, nn

from ..harness import FieldModel, Fields, UserError, register_model
from ..kernels.bilinear_fusion import bilinear_fusion
from ..kernels.feature_gate import feature_gate
from .blocks.field_embedding import FieldEmbedding
from .blocks.perceptron import hidden_layers, xavier_linear


@register_model(
    "finalmlp",
    paper="arXiv:2304.00902",
    summary="Two MLP streams over gated field embeddings, fused by a multi-head bilinear form.",
    family="feature interaction",
    together=64,
)
class FinalMLP(FieldModel):
    """Two-stream MLP for click-through rates (Mao et al., AAAI 2023).

    Let e be the concatenated embeddings of all fields. Then ``h_i = 2 sigmoid(gate_i) * e`` for the
    streams i = 1, 2; ``o_i = MLP_i(h_i)``; and the logit is
    ``w_1 o_1 + w_2 o_2 + b + sum_j o_1j^T W_j o_2j`` over heads j.

    Products: each embedding entry with a gate computed from that stream's context fields, and the
    two streams' outputs with each other, head by head.

    As in FuxiCTR's code, context fields have separate tables, batch norm precedes ReLU, and each
    stream has its own bias in the fusion. Stream one has `depth` layers, stream two a single one.

    A stream without context fields computes its gate from one learnable vector that is initialized
    to zero, so the gate is the same for every row. If such a gate has hidden units (as published),
    only its last bias trains: the ReLU gets zero inputs and zero biases. By default the gate
    therefore has no hidden units here; it represents the same constant and can be trained.

    Parameters
    ----------
    embedding
        Size of each field's vector.
    hidden
        Units of stream one before its last layer; the width by default.
    width2
        Units of stream two; the width by default.
    gate
        Hidden units of the gates; by default the width if a stream has context fields, otherwise none.
    context1, context2
        Indices of the fields that control each stream's gate; numeric fields come after the others.
    heads
        Heads of the bilinear fusion, a divisor of both streams' widths; by default one head per 4
        units of stream one.
    dropout1, dropout2
        Dropout rate of each stream's hidden units.
    """

    width_multiple = 4
    slack = "hidden"
    bounds = {
        "embedding": (1, 4096),
        "hidden": (1, 2**20),
        "width2": (1, 2**20),
        "gate": (1, 2**20),
        "heads": (1, 1024),
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
        hidden: int | None = None,
        width2: int | None = None,
        gate: int | None = None,
        context1: Sequence[int] = (),
        context2: Sequence[int] = (),
        heads: int | None = None,
        dropout1: float = 0.0,
        dropout2: float = 0.0,
    ):
        super().__init__()
        self.embedding = FieldEmbedding(fields, embedding)
        inputs = self.embedding.n_vectors * embedding
        self.gate1 = FeatureGate(fields, embedding, inputs, context1, gate, width)
        self.gate2 = FeatureGate(fields, embedding, inputs, context2, gate, width)
        self.stream1 = hidden_layers(inputs, [hidden or width] * (depth - 1) + [width], dropout=dropout1)
        self.stream2 = hidden_layers(inputs, [width2 or width], dropout=dropout2)
        self.fusion = BilinearFusion(width, width2 or width, heads or max(1, width // 4), outputs)

    def forward(self, ids: Tensor, dense: Tensor | None = None) -> Tensor:
        e = self.embedding(ids, dense).flatten(1)
        o1 = self.stream1(feature_gate(e, self.gate1(ids, dense)))
        o2 = self.stream2(feature_gate(e, self.gate2(ids, dense)))
        return self.fusion(o1, o2)

    def body_parameters(self) -> Iterable[nn.Parameter]:
        for gate in (self.gate1, self.gate2):
            yield from gate.mlp.parameters()
        yield from self.stream1.parameters()
        yield from self.stream2.parameters()

    def dead_parameters(self) -> dict[str, str]:
        """Return the parameters of gates without context that get no gradient from a zero context vector."""
        return {
            f"{name}.{part}": reason
            for name, gate in (("gate1", self.gate1), ("gate2", self.gate2))
            for part, reason in gate.dead_parameters().items()
        }


class FeatureGate(nn.Module):
    """``MLP(context)``, one gate logit per embedding entry; the gate is twice its sigmoid.

    Without context fields the result has a single row for the whole batch. With one categorical
    context field, rows with the same id share their logits, which a CPU computes once per id.
    """

    def __init__(self, fields: Fields, dim: int, outputs: int, context: Sequence[int], units: int | None, width: int):
        super().__init__()
        n_fields = len(fields.cardinalities) + fields.n_numeric
        if not all(0 <= field < n_fields for field in context):
            raise UserError(
                f"finalmlp's context fields {list(context)} must be among the task's fields 0 to {n_fields - 1}."
            )
        self.tables = FieldEmbedding(fields, dim, context) if context else None
        one = len(context) == 1 and context[0] < len(fields.cardinalities) and fields.bag == 1
        self.single = context[0] if one else None
        self.constant = None if context else nn.Parameter(torch.zeros(1, dim))
        inputs = dim * max(1, len(context))
        layers = [units or width] if units or context else []
        self.mlp = hidden_layers(inputs, layers, batch_norm=False)
        self.mlp.append(xavier_linear(layers[0] if layers else inputs, outputs))

    def forward(self, ids: Tensor, dense: Tensor | None) -> Tensor:
        if self.tables is None:
            return self.mlp(self.constant)
        if self.single is None or ids.device.type != "cpu" or torch.compiler.is_compiling():
            return self.mlp(self.tables(ids, dense).flatten(1))
        values, place = ids[:, self.single, 0].unique(return_inverse=True)
        rows = torch.zeros_like(values).scatter_(0, place, torch.arange(len(ids)))
        return self.mlp(self.tables(ids[rows]).flatten(1)).index_select(0, place)

    def dead_parameters(self) -> dict[str, str]:
        if self.constant is None:
            return {}
        if len(self.mlp) == 1:
            return {"mlp.0.weight": "the context vector it multiplies starts at zero"}
        reason = "a zero context and zero biases leave the hidden ReLU at 0"
        return dict.fromkeys(("constant", "mlp.0.weight", "mlp.0.bias", "mlp.2.weight"), reason)


class BilinearFusion(nn.Module):
    """``w_1 o_1 + b_1 + w_2 o_2 + b_2 + sum_j o_1j^T W_j o_2j`` for each output, over heads j."""

    def __init__(self, width1: int, width2: int, heads: int, outputs: int):
        super().__init__()
        if width1 % heads or width2 % heads:
            raise UserError(f"finalmlp cannot split streams of {width1} and {width2} units into {heads} equal heads.")
        self.heads = heads
        self.linear1 = xavier_linear(width1, outputs)
        self.linear2 = xavier_linear(width2, outputs)
        self.bilinear = nn.Parameter(torch.empty(width1 * width2 // heads, outputs))
        nn.init.xavier_normal_(self.bilinear)

    def forward(self, o1: Tensor, o2: Tensor) -> Tensor:
        return self.linear1(o1) + self.linear2(o2) + self.interact(o1, o2)

    def interact(self, o1: Tensor, o2: Tensor) -> Tensor:
        """Return the bilinear term (batch, outputs)."""
        sizes = (self.heads, o1.shape[1] // self.heads, o2.shape[1] // self.heads, -1)
        return bilinear_fusion(o1, o2, self.bilinear.view(sizes))
