"""The benchmark of the recurrence of matrix states, as in mamba2 and gla."""

from __future__ import annotations

from functools import partial

import torch
from torch import Tensor

from ..precision import accumulator
from ..workload import Contestant, Inputs, Peer, Sizes, Workload, from_package, normal
from . import cost, ssd
from .reference import reference


def make(sizes: Sizes, random: torch.Generator, *, by_channel: bool) -> Inputs:
    batch, length, heads, p, n = (sizes[name] for name in ("B", "L", "H", "P", "N"))
    steps = (batch, length, heads)
    rows = {name: normal(random, *steps, size) for name, size in (("x", p), ("B", n), ("C", n))}
    shape, strongest = ((*steps, n), 0.02) if by_channel else (steps, 0.2)
    return {**rows, "log_decay": -torch.rand(shape, generator=random) * strongest}


def _as_attention(x: Tensor, log_decay: Tensor, B: Tensor, C: Tensor) -> Tensor:
    """Compute the matrix of all pairs of positions, which the states represent (Dao and Gu, 2024)."""
    passed = log_decay.to(accumulator(log_decay.dtype)).cumsum(1).transpose(1, 2)
    weights = (passed[..., :, None] - passed[..., None, :]).tril().exp().tril()
    scores = torch.einsum("blhn,bshn->bhls", C, B) * weights.to(C.dtype)
    return torch.einsum("bhls,bshp->blhp", scores, x)


def _as_quotients(x: Tensor, log_decay: Tensor, B: Tensor, C: Tensor) -> Tensor:
    """Compute the same for decays per entry, as quotients of two running products: finite for gentle decays."""
    passed = log_decay.to(accumulator(log_decay.dtype)).cumsum(1)
    scores = torch.einsum("blhn,bshn->bhls", C * passed.exp(), B * (-passed).exp()).tril()
    return torch.einsum("bhls,bshp->blhp", scores.to(x.dtype), x)


def _fla(name: str) -> Contestant:
    function = from_package(f"fla.ops.{name}", f"chunk_{name}")
    return Contestant(lambda x, log_decay, B, C: function(C, B, x, log_decay, scale=1.0)[0])


def _workload(
    case: str, sizes: dict[str, Sizes], by_channel: bool, plain: Contestant, peers: dict[str, Peer]
) -> Workload:
    return Workload(
        kernel="ssd",
        case=case,
        sizes=sizes,
        make=partial(make, by_channel=by_channel),
        ours=ssd,
        reference=lambda **inputs: reference(**inputs)[0],
        plain={"as attention": plain},
        cost=lambda n, **how: cost(n["B"], n["L"], n["H"], n["P"], n["N"], by_channel=by_channel, **how),
        peers=peers,
    )


WORKLOADS = [
    _workload(
        "one decay per head, as in mamba2",
        {
            "check": {"B": 2, "L": 608, "H": 2, "P": 8, "N": 8},
            "cpu": {"B": 4, "L": 512, "H": 4, "P": 32, "N": 32},
            "cuda": {"B": 4, "L": 4096, "H": 16, "P": 64, "N": 128},
        },
        by_channel=False,
        plain=Contestant(_as_attention),
        peers={"flash-linear-attention simple_gla": Peer("fla", partial(_fla, "simple_gla"), ("cuda",))},
    ),
    _workload(
        "one decay per entry, as in gla",
        {
            "check": {"B": 2, "L": 608, "H": 2, "P": 8, "N": 8},
            "cpu": {"B": 4, "L": 512, "H": 4, "P": 32, "N": 16},
            "cuda": {"B": 4, "L": 4096, "H": 8, "P": 128, "N": 64},
        },
        by_channel=True,
        plain=Contestant(_as_quotients),
        peers={"flash-linear-attention gla": Peer("fla", partial(_fla, "gla"), ("cuda",))},
    ),
]
