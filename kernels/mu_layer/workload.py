"""The benchmark of the product of the Mu-Layer, as in monet."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from ..workload import Contestant, Inputs, Peer, Sizes, Workload, from_package
from . import cost, mu_product
from .reference import reference

SMALL = ("weight_a", "bias_a", "weight_c", "bias_c")


def make(sizes: Sizes, random: torch.Generator) -> Inputs:
    batch, length, channels = (sizes[name] for name in ("B", "L", "D"))
    rows = {name: torch.randn(batch, length, channels, generator=random) for name in ("a", "c")}
    small = {name: torch.randn(channels, generator=random) for name in SMALL}
    return {**rows, **small, "alpha": torch.ones(())}


def _plain(
    a: Tensor, c: Tensor, weight_a: Tensor, bias_a: Tensor, weight_c: Tensor, bias_c: Tensor, alpha: Tensor
) -> Tensor:
    na = F.layer_norm(a, weight_a.shape, weight_a, bias_a, 1e-6)
    return na + alpha * na * F.layer_norm(c, weight_c.shape, weight_c, bias_c, 1e-6)


def _liger() -> Contestant:
    norm = from_package("liger_kernel.ops.layer_norm", "LigerLayerNormFunction").apply

    def run(
        a: Tensor, c: Tensor, weight_a: Tensor, bias_a: Tensor, weight_c: Tensor, bias_c: Tensor, alpha: Tensor
    ) -> Tensor:
        na = norm(a, weight_a, bias_a, 1e-6)
        return na + alpha * na * norm(c, weight_c, bias_c, 1e-6)

    return Contestant(run)


WORKLOADS = [
    Workload(
        kernel="mu_layer",
        case="two layer norms and their product, as in monet",
        sizes={
            "check": {"B": 2, "L": 20, "D": 48},
            "cpu": {"B": 8, "L": 512, "D": 384},
            "cuda": {"B": 32, "L": 4096, "D": 512},
        },
        make=make,
        ours=mu_product,
        reference=reference,
        plain={"F.layer_norm": Contestant(_plain)},
        cost=lambda n, **how: cost(n["B"], n["L"], n["D"], **how),
        peers={"liger-kernel layer norms": Peer("liger_kernel", _liger, ("cuda",))},
    )
]
