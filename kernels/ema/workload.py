"""The benchmark of the moving averages, as in mega."""

from __future__ import annotations

import torch

from ..workload import Contestant, Inputs, Sizes, Workload, normal
from . import cost, ema, ema_fft
from .reference import reference


def make(sizes: Sizes, random: torch.Generator) -> Inputs:
    """Draw inputs, decays from 0.3 to 0.9, and weights."""
    batch, length, channels, n = (sizes[name] for name in ("B", "L", "D", "N"))
    decay = torch.rand(channels, n, generator=random) * 0.6 + 0.3
    weight = normal(random, channels, n)
    return {"x": normal(random, batch, length, channels), "decay": decay, "weight": weight}


WORKLOADS = [
    Workload(
        kernel="ema",
        case="16 averages per channel, as in mega",
        sizes={
            "check": {"B": 2, "L": 304, "D": 48, "N": 16},
            "cpu": {"B": 8, "L": 1024, "D": 128, "N": 16},
            "cuda": {"B": 8, "L": 8192, "D": 1024, "N": 16},
        },
        make=make,
        ours=ema,
        reference=reference,
        plain={"powers and FFT": Contestant(ema_fft)},
        cost=lambda n, **how: cost(n["B"], n["L"], n["D"], n["N"], **how),
    ),
]
