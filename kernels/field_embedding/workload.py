"""The benchmark of the look-up, with the sizes of FinalMLP on Frappe."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from ..workload import Contestant, Inputs, Sizes, Workload, normal
from . import cost, field_embedding
from .reference import reference


def make(sizes: Sizes, random: torch.Generator) -> Inputs:
    """Draw a table whose padding rows are zero, and one id per field."""
    batch, fields, rows, dim = (sizes[name] for name in ("B", "F", "rows", "dim"))
    table = normal(random, fields * rows, dim)
    table[::rows] = 0.0
    ids = torch.randint(1, rows, (batch, fields, 1), generator=random)
    return {"table": table, "ids": ids, "offsets": torch.arange(fields) * rows}


def _one_table_per_field(table: Tensor, ids: Tensor, offsets: Tensor) -> Tensor:
    tables = table.chunk(len(offsets))
    return torch.stack([F.embedding(ids[:, f, 0], part) for f, part in enumerate(tables)], 1)


WORKLOADS = [
    Workload(
        kernel="field_embedding",
        case="one id per field",
        sizes={
            "check": {"B": 20, "F": 3, "rows": 7, "dim": 4},
            "cpu": {"B": 4096, "F": 10, "rows": 540, "dim": 10},
            "cuda": {"B": 65536, "F": 39, "rows": 51200, "dim": 10},
        },
        make=make,
        ours=field_embedding,
        reference=reference,
        plain={"one table per field": Contestant(_one_table_per_field)},
        cost=lambda n, **how: cost(n["B"], n["F"], 1, n["dim"], **how),
    ),
]
