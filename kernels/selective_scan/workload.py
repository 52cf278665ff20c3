"""The benchmark of the selective scan as in mamba, including step bias, softplus, skip and gate."""

from __future__ import annotations

from functools import partial
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from ..workload import Contestant, Inputs, Peer, Sizes, Workload, from_package, normal, time_last
from . import cost, selective_scan, torch_form
from .operation import Operands
from .reference import reference


def make(sizes: Sizes, random: torch.Generator) -> Inputs:
    """Draw operands in their order as at the start of training: steps from 0.001 to 0.1, A from -1 to -N."""
    batch, length, channels, states = (sizes[name] for name in ("B", "L", "D", "N"))
    rows, narrow = (batch, length, channels), (batch, length, states)
    A = -torch.arange(1.0, states + 1).repeat(channels, 1)
    u, delta = normal(random, *rows), normal(random, *rows) * 0.1
    B, C = normal(random, *narrow), normal(random, *narrow)
    D, z, delta_bias = normal(random, channels), normal(random, *rows), normal(random, channels) - 4
    return {"u": u, "delta": delta, "A": A, "B": B, "C": C, "D": D, "z": z, "delta_bias": delta_bias}


class _Compiled(torch.autograd.Function):
    """Chunks of sixteen steps compiled by torch, the fastest form found in plain torch."""

    @staticmethod
    def forward(ctx: Any, *tensors: Tensor) -> Tensor:
        operands = Operands(*tensors, initial_state=None, delta_softplus=True)
        y, _, checkpoints = torch_form.over_chunks(operands, torch_form.compiled(torch_form.forward_chunk))
        ctx.save_for_backward(checkpoints, *tensors)
        return y

    @staticmethod
    def backward(ctx: Any, dy: Tensor) -> tuple[Tensor | None, ...]:
        checkpoints, *tensors = ctx.saved_tensors
        operands = Operands(*tensors, initial_state=None, delta_softplus=True)
        chunk = torch_form.compiled(torch_form.backward_chunk)
        return torch_form.back_over_chunks(operands, checkpoints, dy, None, chunk)[:8]


def _mamba_ssm() -> Contestant:
    selective_scan_fn = from_package("mamba_ssm.ops.selective_scan_interface", "selective_scan_fn")
    return Contestant(lambda **inputs: selective_scan_fn(**inputs, delta_softplus=True).mT, _as_mamba_ssm)


def _as_mamba_ssm(inputs: Inputs) -> Inputs:
    """Lay out the rows as in mamba-ssm's block, and keep the rest in float32, as it requires."""
    return time_last({name: x if x.dim() == 3 else x.float() for name, x in inputs.items()})


def _mambapy() -> Contestant:
    pscan = from_package("mambapy.pscan", "pscan")

    def run(
        u: Tensor, delta: Tensor, A: Tensor, B: Tensor, C: Tensor, D: Tensor, z: Tensor, delta_bias: Tensor
    ) -> Tensor:
        step = F.softplus(delta + delta_bias)
        decay = torch.exp(step[..., None] * A)
        states = pscan(decay, (step * u)[..., None] * B[:, :, None])
        return ((states @ C[..., None]).squeeze(-1) + D * u) * F.silu(z)

    return Contestant(run)


WORKLOADS = [
    Workload(
        kernel="selective_scan",
        case="with gate, as in mamba",
        sizes={
            "check": {"B": 2, "L": 304, "D": 32, "N": 16},
            "cpu": {"B": 8, "L": 512, "D": 128, "N": 16},
            "cuda": {"B": 8, "L": 4096, "D": 2048, "N": 16},
        },
        make=make,
        ours=partial(selective_scan, delta_softplus=True),
        reference=lambda **inputs: reference(**inputs, delta_softplus=True)[0],
        plain={"torch.compile of 16 steps": Contestant(lambda **inputs: _Compiled.apply(*inputs.values()))},
        cost=lambda n, **how: cost(n["B"], n["L"], n["D"], n["N"], gate=True, **how),
        peers={"mamba-ssm": Peer("mamba_ssm", _mamba_ssm, ("cuda",)), "mambapy": Peer("mambapy", _mambapy)},
    )
]
