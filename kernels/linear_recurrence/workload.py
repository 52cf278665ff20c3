"""The benchmark of the linear recurrence, with real decays."""

from __future__ import annotations

import torch
from torch import Tensor

from ..workload import Contestant, Inputs, Peer, Sizes, Workload, from_package, normal, time_last
from . import cost, linear_recurrence
from .reference import reference


def make(sizes: Sizes, random: torch.Generator) -> Inputs:
    """Draw decays from 0.5 to 1, and inputs."""
    shape = tuple(sizes[name] for name in ("B", "L", "D"))
    return {"a": torch.rand(shape, generator=random) * 0.5 + 0.5, "b": normal(random, *shape)}


def _doubling(a: Tensor, b: Tensor) -> Tensor:
    """Combine each state with the state 1, 2, 4, ... steps before (Hillis and Steele)."""
    step = 1
    while step < a.shape[1]:
        b = torch.cat((b[:, :step], b[:, step:] + a[:, step:] * b[:, :-step]), 1)
        a = torch.cat((a[:, :step], a[:, step:] * a[:, :-step]), 1)
        step *= 2
    return b


def _accelerated_scan(module: str) -> Contestant:
    scan = from_package(f"accelerated_scan.{module}", "scan")
    return Contestant(lambda a, b: scan(a, b).mT, time_last)


def _fla_hgrn() -> Contestant:
    chunk_hgrn = from_package("fla.ops.hgrn", "chunk_hgrn")
    return Contestant(lambda log_a, b: chunk_hgrn(b, log_a)[0], _with_logarithms)


def _with_logarithms(inputs: Inputs) -> Inputs:
    return {"log_a": inputs["a"].detach().log().requires_grad_(), "b": inputs["b"]}


def _mambapy() -> Contestant:
    pscan = from_package("mambapy.pscan", "pscan")
    return Contestant(lambda a, b: pscan(a[..., None], b[..., None]).squeeze(-1))


WORKLOADS = [
    Workload(
        kernel="linear_recurrence",
        case="real decays, as in gateloop",
        sizes={
            "check": {"B": 2, "L": 304, "D": 48},
            "cpu": {"B": 8, "L": 1024, "D": 256},
            "cuda": {"B": 8, "L": 4096, "D": 2048},
        },
        make=make,
        ours=linear_recurrence,
        reference=reference,
        plain={"doubling": Contestant(_doubling)},
        cost=lambda n, **how: cost(n["B"], n["L"], n["D"], **how),
        peers={
            "accelerated-scan": Peer("accelerated_scan", lambda: _accelerated_scan("scalar"), ("cuda",)),
            "accelerated-scan, warp": Peer("accelerated_scan", lambda: _accelerated_scan("warp"), ("cuda",)),
            "flash-linear-attention hgrn": Peer("fla", _fla_hgrn, ("cuda",)),
            "mambapy": Peer("mambapy", _mambapy),
        },
    ),
]
