"""The linear recurrences without selection: states of numbers, moving averages, and matrix states."""

from __future__ import annotations

from functools import partial

import torch
from torch import Tensor

from ....kernels import ema, linear_recurrence, ssd
from ....kernels.ema.reference import reference as ema_reference
from ....kernels.linear_recurrence.reference import reference as recurrence_reference
from ....kernels.precision import accumulator
from ....kernels.ssd.reference import reference as ssd_reference
from ..workload import Contestant, Inputs, Peer, Sizes, Workload


def _decays_and_inputs(sizes: Sizes, random: torch.Generator) -> Inputs:
    shape = tuple(sizes[name] for name in ("B", "L", "D"))
    return {"a": torch.rand(shape, generator=random) * 0.5 + 0.5, "b": torch.randn(shape, generator=random)}


def _doubling(a: Tensor, b: Tensor) -> Tensor:
    """Combine each state with the one 1, 2, 4, ... steps before (Hillis and Steele)."""
    step = 1
    while step < a.shape[1]:
        b = torch.cat((b[:, :step], b[:, step:] + a[:, step:] * b[:, :-step]), 1)
        a = torch.cat((a[:, :step], a[:, step:] * a[:, :-step]), 1)
        step *= 2
    return b


def _accelerated_scan() -> Contestant:
    from accelerated_scan.scalar import scan  # type: ignore[import-not-found]

    return Contestant(lambda a, b: scan(a, b).mT, _channels_before_time)


def _accelerated_scan_warp() -> Contestant:
    from accelerated_scan.warp import scan  # type: ignore[import-not-found]

    return Contestant(lambda a, b: scan(a, b).mT, _channels_before_time)


def _channels_before_time(inputs: Inputs) -> Inputs:
    return {name: x.detach().mT.contiguous().requires_grad_() for name, x in inputs.items()}


def _fla_hgrn() -> Contestant:
    from fla.ops.hgrn import chunk_hgrn  # type: ignore[import-not-found]

    return Contestant(lambda log_a, b: chunk_hgrn(b, log_a)[0], _with_logarithms)


def _with_logarithms(inputs: Inputs) -> Inputs:
    return {"log_a": inputs["a"].detach().log().requires_grad_(), "b": inputs["b"]}


def _mambapy() -> Contestant:
    from mambapy.pscan import pscan  # type: ignore[import-not-found]

    return Contestant(lambda a, b: pscan(a[..., None], b[..., None]).squeeze(-1))


def _averages(sizes: Sizes, random: torch.Generator) -> Inputs:
    batch, length, channels, n = (sizes[name] for name in ("B", "L", "D", "N"))
    decay = torch.rand(channels, n, generator=random) * 0.6 + 0.3
    weight = torch.randn(channels, n, generator=random)
    return {"x": torch.randn(batch, length, channels, generator=random), "decay": decay, "weight": weight}


def _matrix_states(sizes: Sizes, random: torch.Generator, *, by_channel: bool = False) -> Inputs:
    batch, length, heads, p, n = (sizes[name] for name in ("B", "L", "H", "P", "N"))
    steps = (batch, length, heads)
    rows = {name: torch.randn(*steps, size, generator=random) for name, size in (("x", p), ("B", n), ("C", n))}
    decays = (
        -torch.rand((*steps, n), generator=random) * 0.02 if by_channel else -torch.rand(steps, generator=random) * 0.2
    )
    return {**rows, "log_decay": decays}


def _as_attention(x: Tensor, log_decay: Tensor, B: Tensor, C: Tensor) -> Tensor:
    """Form the matrix of all pairs of positions: what the states stand for (Dao and Gu, 2024)."""
    passed = log_decay.to(accumulator(log_decay.dtype)).cumsum(1).transpose(1, 2)
    weights = (passed[..., :, None] - passed[..., None, :]).tril().exp().tril()
    scores = torch.einsum("blhn,bshn->bhls", C, B) * weights.to(C.dtype)
    return torch.einsum("bhls,bshp->blhp", scores, x)


def _as_quotients(x: Tensor, log_decay: Tensor, B: Tensor, C: Tensor) -> Tensor:
    """Form the same of decays by entry, as quotients of two running products: finite where decays are gentle."""
    passed = log_decay.to(accumulator(log_decay.dtype)).cumsum(1)
    scores = torch.einsum("blhn,bshn->bhls", C * passed.exp(), B * (-passed).exp()).tril()
    return torch.einsum("bhls,bshp->blhp", scores.to(x.dtype), x)


def _fla_gla() -> Contestant:
    from fla.ops.gla import chunk_gla  # type: ignore[import-not-found]

    def run(x: Tensor, log_decay: Tensor, B: Tensor, C: Tensor) -> Tensor:
        return chunk_gla(C, B, x, log_decay, scale=1.0)[0]

    return Contestant(run)


def _fla_simple_gla() -> Contestant:
    from fla.ops.simple_gla import chunk_simple_gla  # type: ignore[import-not-found]

    def run(x: Tensor, log_decay: Tensor, B: Tensor, C: Tensor) -> Tensor:
        return chunk_simple_gla(C, B, x, log_decay, scale=1.0)[0]

    return Contestant(run)


def _ssd(case: str, sizes: dict[str, Sizes], by_channel: bool, plain: Contestant, peers: dict[str, Peer]) -> Workload:
    return Workload(
        kernel="ssd",
        case=case,
        sizes=sizes,
        make=partial(_matrix_states, by_channel=by_channel),
        ours=ssd.ssd,
        reference=lambda **inputs: ssd_reference(**inputs)[0],
        plain={"as attention": plain},
        cost=lambda n, backward, itemsize: ssd.cost(
            n["B"], n["L"], n["H"], n["P"], n["N"], by_channel=by_channel, backward=backward, itemsize=itemsize
        ),
        peers=peers,
    )


WORKLOADS = [
    Workload(
        kernel="linear_recurrence",
        case="real decays, as in gateloop",
        sizes={
            "check": {"B": 2, "L": 304, "D": 48},
            "cpu": {"B": 8, "L": 1024, "D": 256},
            "cuda": {"B": 8, "L": 4096, "D": 2048},
        },
        make=_decays_and_inputs,
        ours=linear_recurrence.linear_recurrence,
        reference=recurrence_reference,
        plain={"doubling": Contestant(_doubling)},
        cost=lambda n, backward, itemsize: linear_recurrence.cost(
            n["B"], n["L"], n["D"], backward=backward, itemsize=itemsize
        ),
        peers={
            "accelerated-scan": Peer("accelerated_scan", _accelerated_scan, ("cuda",)),
            "accelerated-scan, warp": Peer("accelerated_scan", _accelerated_scan_warp, ("cuda",)),
            "flash-linear-attention hgrn": Peer("fla", _fla_hgrn, ("cuda",)),
            "mambapy": Peer("mambapy", _mambapy),
        },
    ),
    Workload(
        kernel="ema",
        case="16 averages a channel, as in mega",
        sizes={
            "check": {"B": 2, "L": 304, "D": 48, "N": 16},
            "cpu": {"B": 8, "L": 1024, "D": 128, "N": 16},
            "cuda": {"B": 8, "L": 8192, "D": 1024, "N": 16},
        },
        make=_averages,
        ours=ema.ema,
        reference=lambda **inputs: ema_reference(**inputs)[0],
        plain={"powers and FFT": Contestant(ema.ema_fft)},
        cost=lambda n, backward, itemsize: ema.cost(
            n["B"], n["L"], n["D"], n["N"], backward=backward, itemsize=itemsize
        ),
    ),
    _ssd(
        "a decay a head, as in mamba2",
        {
            "check": {"B": 2, "L": 608, "H": 2, "P": 8, "N": 8},
            "cpu": {"B": 4, "L": 512, "H": 4, "P": 32, "N": 32},
            "cuda": {"B": 4, "L": 4096, "H": 16, "P": 64, "N": 128},
        },
        by_channel=False,
        plain=Contestant(_as_attention),
        peers={"flash-linear-attention simple_gla": Peer("fla", _fla_simple_gla, ("cuda",))},
    ),
    _ssd(
        "a decay an entry, as in gla",
        {
            "check": {"B": 2, "L": 608, "H": 2, "P": 8, "N": 8},
            "cpu": {"B": 4, "L": 512, "H": 4, "P": 32, "N": 16},
            "cuda": {"B": 4, "L": 4096, "H": 8, "P": 128, "N": 64},
        },
        by_channel=True,
        plain=Contestant(_as_quotients),
        peers={"flash-linear-attention gla": Peer("fla", _fla_gla, ("cuda",))},
    ),
]
