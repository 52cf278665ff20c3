"""The benchmark of the bilinear form, with the sizes of FinalMLP on Frappe."""

from __future__ import annotations

import torch
from torch import Tensor

from ..workload import Contestant, Inputs, Sizes, Workload, normal
from . import bilinear_fusion, cost
from .reference import reference


def make(sizes: Sizes, random: torch.Generator) -> Inputs:
    batch, heads, p, q = (sizes[name] for name in ("B", "heads", "p", "q"))
    a, b = normal(random, batch, heads * p), normal(random, batch, heads * q)
    return {"a": a, "b": b, "weight": normal(random, heads, p, q, 1)}


def _head_by_head(a: Tensor, b: Tensor, weight: Tensor) -> Tensor:
    parts = zip(a.chunk(len(weight), 1), b.chunk(len(weight), 1), weight[..., 0], strict=True)
    return torch.stack([((x @ w) * y).sum(1) for x, y, w in parts]).sum(0)[:, None]


WORKLOADS = [
    Workload(
        kernel="bilinear_fusion",
        case="five heads, one output",
        sizes={
            "check": {"B": 7, "heads": 3, "p": 4, "q": 2},
            "cpu": {"B": 4096, "heads": 5, "p": 80, "q": 20},
            "cuda": {"B": 131072, "heads": 5, "p": 80, "q": 20},
        },
        make=make,
        ours=bilinear_fusion,
        reference=reference,
        plain={"head by head": Contestant(_head_by_head)},
        cost=lambda n, **how: cost(n["B"], n["heads"], n["p"], n["q"], 1, **how),
    ),
]
