"""The kernels of models over fields: look-up, gate and bilinear form, at the sizes of FinalMLP on Frappe."""

from __future__ import annotations

from functools import partial

import torch
from torch import Tensor
from torch.nn import functional as F

from ....kernels import bilinear_fusion, feature_gate, field_embedding
from ....kernels.bilinear_fusion.reference import reference as bilinear_reference
from ....kernels.feature_gate.reference import reference as gate_reference
from ....kernels.field_embedding.reference import reference as embedding_reference
from ..workload import Contestant, Inputs, Sizes, Workload


def _fields(sizes: Sizes, random: torch.Generator) -> Inputs:
    batch, fields, rows, dim = (sizes[name] for name in ("B", "F", "rows", "dim"))
    table = torch.randn(fields * rows, dim, generator=random)
    table[::rows] = 0.0
    ids = torch.randint(1, rows, (batch, fields, 1), generator=random)
    return {"table": table, "ids": ids, "offsets": torch.arange(fields) * rows}


def _a_table_a_field(table: Tensor, ids: Tensor, offsets: Tensor) -> Tensor:
    tables = table.chunk(len(offsets))
    return torch.stack([F.embedding(ids[:, f, 0], part) for f, part in enumerate(tables)], 1)


def _entries(sizes: Sizes, random: torch.Generator, *, one_row: bool) -> Inputs:
    rows, n = sizes["B"], sizes["n"]
    entries = torch.randn(rows, n, generator=random)
    return {"entries": entries, "scores": torch.randn(1 if one_row else rows, n, generator=random)}


def _gate_on_every_row(entries: Tensor, scores: Tensor) -> Tensor:
    return _three_operations(entries, scores.repeat(len(entries), 1))


def _three_operations(entries: Tensor, scores: Tensor) -> Tensor:
    return 2 * torch.sigmoid(scores) * entries


def _streams(sizes: Sizes, random: torch.Generator) -> Inputs:
    batch, heads, p, q = (sizes[name] for name in ("B", "heads", "p", "q"))
    streams = {name: torch.randn(batch, heads * n, generator=random) for name, n in (("a", p), ("b", q))}
    return {**streams, "weight": torch.randn(heads, p, q, 1, generator=random)}


def _head_by_head(a: Tensor, b: Tensor, weight: Tensor) -> Tensor:
    parts = zip(a.chunk(len(weight), 1), b.chunk(len(weight), 1), weight[..., 0], strict=True)
    return torch.stack([((x @ w) * y).sum(1) for x, y, w in parts]).sum(0)[:, None]


def _gate(case: str, plain: dict[str, Contestant], *, one_row: bool) -> Workload:
    return Workload(
        kernel="feature_gate",
        case=case,
        sizes={"check": {"B": 7, "n": 12}, "cpu": {"B": 4096, "n": 100}, "cuda": {"B": 262144, "n": 400}},
        make=partial(_entries, one_row=one_row),
        ours=feature_gate.feature_gate,
        reference=gate_reference,
        plain=plain,
        cost=lambda n, backward, itemsize: feature_gate.cost(
            n["B"], n["n"], rows=1 if one_row else n["B"], backward=backward, itemsize=itemsize
        ),
    )


WORKLOADS = [
    Workload(
        kernel="field_embedding",
        case="one id a field",
        sizes={
            "check": {"B": 20, "F": 3, "rows": 7, "dim": 4},
            "cpu": {"B": 4096, "F": 10, "rows": 540, "dim": 10},
            "cuda": {"B": 65536, "F": 39, "rows": 51200, "dim": 10},
        },
        make=_fields,
        ours=field_embedding.field_embedding,
        reference=embedding_reference,
        plain={"a table a field": Contestant(_a_table_a_field)},
        cost=lambda n, backward, itemsize: field_embedding.cost(
            n["B"], n["F"], 1, n["dim"], backward=backward, itemsize=itemsize
        ),
    ),
    _gate("without context", {"a gate on every row": Contestant(_gate_on_every_row)}, one_row=True),
    _gate("a context a row", {"three operations of torch": Contestant(_three_operations)}, one_row=False),
    Workload(
        kernel="bilinear_fusion",
        case="five heads, one output",
        sizes={
            "check": {"B": 7, "heads": 3, "p": 4, "q": 2},
            "cpu": {"B": 4096, "heads": 5, "p": 80, "q": 20},
            "cuda": {"B": 131072, "heads": 5, "p": 80, "q": 20},
        },
        make=_streams,
        ours=bilinear_fusion.bilinear_fusion,
        reference=bilinear_reference,
        plain={"head by head": Contestant(_head_by_head)},
        cost=lambda n, backward, itemsize: bilinear_fusion.cost(
            n["B"], n["heads"], n["p"], n["q"], 1, backward=backward, itemsize=itemsize
        ),
    ),
]
