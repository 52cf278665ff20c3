"""The benchmark of attention in chunks, with the shapes of tcnca: narrow queries and four times wider values."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from ..workload import Contestant, Inputs, Run, Sizes, Workload, normal
from . import Weighting, chunked_attention, cost, laplace
from .reference import reference


def make(sizes: Sizes, random: torch.Generator) -> Inputs:
    batch, length, shared, value, chunk = (sizes[name] for name in ("B", "L", "shared", "value", "chunk"))
    rows = {name: normal(random, batch, length, width) for name, width in (("q", shared), ("k", shared), ("v", value))}
    return {**rows, "bias": normal(random, chunk, chunk)}


def _causal(attend: Run, weighting: Weighting) -> Run:
    return lambda q, k, v, bias: attend(q, k, v, bias, chunk=len(bias), causal=True, weighting=weighting)


def _masked(q: Tensor, k: Tensor, v: Tensor, bias: Tensor) -> Tensor:
    """Compute attention over the whole length under a mask with one block per chunk."""
    length, chunk = q.shape[1], len(bias)
    place = torch.arange(length, device=q.device)
    apart = (place[:, None] // chunk != place // chunk) | (place[:, None] < place)
    mask = bias.repeat(length // chunk, length // chunk).masked_fill(apart, float("-inf"))
    q, k, v = (x[:, None] for x in (q, k, v))  # torch's fused kernels take four axes
    return F.scaled_dot_product_attention(q, k, v, mask)[:, 0]


def _written(q: Tensor, k: Tensor, v: Tensor, bias: Tensor) -> Tensor:
    """Compute laplace attention, writing the scores and weights of every chunk."""
    q, k, v = (x.unflatten(1, (-1, len(bias))) for x in (q, k, v))
    seen = torch.arange(1, len(bias) + 1, device=q.device)[:, None]
    return (laplace(q @ k.mT / seen + bias).tril() @ v).flatten(1, 2)


def _workload(case: str, weighting: Weighting, plain: dict[str, Contestant]) -> Workload:
    return Workload(
        kernel="chunked_attention",
        case=case,
        sizes={
            "check": {"B": 2, "L": 24, "shared": 16, "value": 32, "chunk": 8},
            "cpu": {"B": 8, "L": 1024, "shared": 64, "value": 256, "chunk": 128},
            "cuda": {"B": 16, "L": 8192, "shared": 128, "value": 512, "chunk": 128},
        },
        make=make,
        ours=_causal(chunked_attention, weighting),
        reference=_causal(reference, weighting),
        plain=plain,
        cost=lambda n, **how: cost(n["B"], n["L"], n["shared"], n["value"], n["chunk"], causal=True, **how),
    )


WORKLOADS = [
    _workload(
        "causal softmax with a learned bias, as in tcnca",
        "softmax",
        {"mask over the whole length": Contestant(_masked)},
    ),
    _workload("causal laplace with a learned bias", "laplace", {"weights written": Contestant(_written)}),
]
