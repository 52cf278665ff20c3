"""Attention in chunks, at the shapes of tcnca: queries of half the width, values of twice the width."""

from __future__ import annotations

from functools import partial

import torch
from torch import Tensor
from torch.nn import functional as F

from ....kernels.chunked_attention import Weighting, chunked_attention, cost, laplace
from ....kernels.chunked_attention.reference import reference
from ....kernels.costs import Cost
from ..workload import Contestant, Inputs, Sizes, Workload


def make(sizes: Sizes, random: torch.Generator) -> Inputs:
    """Draw queries, keys, values and the bias of a chunk's pairs."""
    batch, length, shared, value, chunk = (sizes[name] for name in ("B", "L", "shared", "value", "chunk"))

    def normal(*shape: int) -> Tensor:
        return torch.randn(*shape, generator=random)

    rows = {name: normal(batch, length, width) for name, width in (("q", shared), ("k", shared), ("v", value))}
    return {**rows, "bias": normal(chunk, chunk)}


def _ours(q: Tensor, k: Tensor, v: Tensor, bias: Tensor, weighting: Weighting = "softmax") -> Tensor:
    return chunked_attention(q, k, v, bias, chunk=len(bias), causal=True, weighting=weighting)


def _loop(q: Tensor, k: Tensor, v: Tensor, bias: Tensor, weighting: Weighting = "softmax") -> Tensor:
    return reference(q, k, v, bias, chunk=len(bias), causal=True, weighting=weighting)


def _masked(q: Tensor, k: Tensor, v: Tensor, bias: Tensor) -> Tensor:
    """Attention over the whole length under a mask that is a block a chunk."""
    length, chunk = q.shape[1], len(bias)
    place = torch.arange(length, device=q.device)
    apart = (place[:, None] // chunk != place // chunk) | (place[:, None] < place)
    mask = bias.repeat(length // chunk, length // chunk).masked_fill(apart, float("-inf"))
    q, k, v = (x[:, None] for x in (q, k, v))  # torch's fused kernels take four axes
    return F.scaled_dot_product_attention(q, k, v, mask)[:, 0]


def _written(q: Tensor, k: Tensor, v: Tensor, bias: Tensor) -> Tensor:
    """Laplace attention that writes scores and weights of every chunk."""
    q, k, v = (x.unflatten(1, (-1, len(bias))) for x in (q, k, v))
    seen = torch.arange(1, len(bias) + 1, device=q.device)[:, None]
    return (laplace(q @ k.mT / seen + bias).tril() @ v).flatten(1, 2)


def _cost(n: Sizes, backward: bool, itemsize: int) -> Cost:
    shape = (n[name] for name in ("B", "L", "shared", "value", "chunk"))
    return cost(*shape, causal=True, backward=backward, itemsize=itemsize)


SIZES = {
    "check": {"B": 2, "L": 24, "shared": 16, "value": 32, "chunk": 8},
    "cpu": {"B": 8, "L": 1024, "shared": 64, "value": 256, "chunk": 128},
    "cuda": {"B": 16, "L": 8192, "shared": 128, "value": 512, "chunk": 128},
}

WORKLOADS = [
    Workload(
        kernel="chunked_attention",
        case="causal softmax with a learned bias, as in tcnca",
        sizes=SIZES,
        make=make,
        ours=_ours,
        reference=_loop,
        plain={"mask over the whole length": Contestant(_masked)},
        cost=_cost,
    ),
    Workload(
        kernel="chunked_attention",
        case="causal laplace with a learned bias",
        sizes=SIZES,
        make=make,
        ours=partial(_ours, weighting="laplace"),
        reference=partial(_loop, weighting="laplace"),
        plain={"weights written": Contestant(_written)},
        cost=_cost,
    ),
]
