"""The benchmark of the gate, with the sizes of FinalMLP on Frappe."""

from __future__ import annotations

from functools import partial

import torch

from ..workload import Contestant, Inputs, Sizes, Workload, normal
from . import cost, feature_gate
from .operation import in_torch
from .reference import reference


def make(sizes: Sizes, random: torch.Generator, *, one_row: bool) -> Inputs:
    rows, n = sizes["B"], sizes["n"]
    return {"entries": normal(random, rows, n), "scores": normal(random, 1 if one_row else rows, n)}


def _workload(case: str, plain: dict[str, Contestant], *, one_row: bool) -> Workload:
    return Workload(
        kernel="feature_gate",
        case=case,
        sizes={"check": {"B": 7, "n": 12}, "cpu": {"B": 4096, "n": 100}, "cuda": {"B": 262144, "n": 400}},
        make=partial(make, one_row=one_row),
        ours=feature_gate,
        reference=reference,
        plain=plain,
        cost=lambda n, **how: cost(n["B"], n["n"], rows=1 if one_row else n["B"], **how),
    )


WORKLOADS = [
    _workload(
        "without context",
        {"a gate on every row": Contestant(lambda entries, scores: in_torch(entries, scores.repeat(len(entries), 1)))},
        one_row=True,
    ),
    _workload("one context per row", {"three operations of torch": Contestant(in_torch)}, one_row=False),
]
