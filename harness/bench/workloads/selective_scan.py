"""The selective scan of mamba: step bias, softplus, skip and gate included."""

from __future__ import annotations

from functools import cache
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from ....kernels.selective_scan import chunked, cost, selective_scan
from ....kernels.selective_scan.operands import Operands
from ....kernels.selective_scan.reference import reference
from ..workload import Contestant, Inputs, Peer, Sizes, Workload

OPERANDS = ("u", "delta", "A", "B", "C", "D", "z", "delta_bias")


def make(sizes: Sizes, random: torch.Generator) -> Inputs:
    """Draw operands like those at the start of a training: steps from 0.001 to 0.1, A from -1 to -N."""
    batch, length, channels, states = (sizes[name] for name in ("B", "L", "D", "N"))

    def normal(*shape: int) -> Tensor:
        return torch.randn(*shape, generator=random)

    rows, narrow = (batch, length, channels), (batch, length, states)
    A = -torch.arange(1.0, states + 1).repeat(channels, 1)
    operands = (normal(*rows), normal(*rows) * 0.1, A, normal(*narrow), normal(*narrow))
    return dict(zip(OPERANDS, (*operands, normal(channels), normal(*rows), normal(channels) - 4), strict=True))


def _ours(**inputs: Tensor) -> Tensor:
    return selective_scan(*(inputs[name] for name in OPERANDS), delta_softplus=True)


def _loop(**inputs: Tensor) -> Tensor:
    return reference(*(inputs[name] for name in OPERANDS), delta_softplus=True)[0]


class _Compiled(torch.autograd.Function):
    """Sixteen steps compiled together by torch, chunk after chunk: the fastest form found in plain torch."""

    @staticmethod
    def forward(ctx: Any, *tensors: Tensor) -> Tensor:
        operands = Operands(*tensors, initial_state=None, delta_softplus=True)
        y, _, checkpoints = chunked.forward(operands, _compiled(chunked.forward_chunk))
        ctx.save_for_backward(checkpoints, *tensors)
        return y

    @staticmethod
    def backward(ctx: Any, dy: Tensor) -> tuple[Tensor | None, ...]:
        checkpoints, *tensors = ctx.saved_tensors
        operands = Operands(*tensors, initial_state=None, delta_softplus=True)
        return chunked.backward(operands, checkpoints, dy, None, _compiled(chunked.backward_chunk))[:8]


@cache
def _compiled(chunk: Any) -> Any:
    return torch.compile(chunk, fullgraph=True, dynamic=False)


def _compiled_chunks(**inputs: Tensor) -> Tensor:
    return _Compiled.apply(*(inputs[name] for name in OPERANDS))


def _mamba_ssm() -> Contestant:
    from mamba_ssm.ops.selective_scan_interface import selective_scan_fn  # type: ignore[import-not-found]

    def run(u: Tensor, delta: Tensor, B: Tensor, C: Tensor, z: Tensor, **rest: Tensor) -> Tensor:
        return selective_scan_fn(u, delta, B=B, C=C, z=z, **rest, delta_softplus=True).mT

    return Contestant(run, _channels_before_time)


def _channels_before_time(inputs: Inputs) -> Inputs:
    """Lay the rows out as mamba-ssm's own block does, and keep the rest in float32, as it asks for."""
    return {
        name: (x.mT.contiguous() if x.dim() == 3 else x.float()).detach().requires_grad_() for name, x in inputs.items()
    }


def _mambapy() -> Contestant:
    from mambapy.pscan import pscan  # type: ignore[import-not-found]

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
        ours=_ours,
        reference=_loop,
        plain={"torch.compile of 16 steps": Contestant(_compiled_chunks)},
        cost=lambda n, backward, itemsize: cost(
            n["B"], n["L"], n["D"], n["N"], gate=True, backward=backward, itemsize=itemsize
        ),
        peers={
            "mamba-ssm": Peer("mamba_ssm", _mamba_ssm, ("cuda",)),
            "mambapy": Peer("mambapy", _mambapy),
        },
    )
]
