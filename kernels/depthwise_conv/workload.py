"""The benchmark of the depthwise convolution: Mamba's short filter and one layer of TCNCA's stack."""

from __future__ import annotations

from functools import partial
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from ..workload import Contestant, Inputs, Peer, Sizes, Workload, from_package
from . import cost, depthwise_conv
from .reference import reference


def make(sizes: Sizes, random: torch.Generator) -> Inputs:
    batch, length, channels, taps = (sizes[name] for name in ("B", "L", "D", "K"))
    weight = torch.randn(channels, taps, generator=random) * taps**-0.5
    x = torch.randn(batch, length, channels, generator=random)
    return {"x": x, "weight": weight, "bias": torch.randn(channels, generator=random)}


def _conv1d(x: Tensor, weight: Tensor, bias: Tensor, *, dilation: int, silu: bool) -> Tensor:
    """Run torch's grouped convolution of (batch, length, channels); it copies depending on the strides of the input."""
    reach = (weight.shape[1] - 1) * dilation
    y = F.conv1d(x.mT, weight[:, None], bias, padding=reach, dilation=dilation, groups=len(weight))[..., : x.shape[1]]
    return (F.silu(y) if silu else y).mT


def _channels_first(inputs: Inputs) -> Inputs:
    """Lay out the input as torch's convolution reads it, with the same shape."""
    return {**inputs, "x": inputs["x"].detach().mT.contiguous().mT.requires_grad_()}


def _causal_conv1d() -> Contestant:
    causal_conv1d_fn = from_package("causal_conv1d", "causal_conv1d_fn")
    return Contestant(lambda x, weight, bias: causal_conv1d_fn(x.mT, weight, bias, activation="silu").mT)


def _fla() -> Contestant:
    causal_conv1d = from_package("fla.modules.convolution", "causal_conv1d")
    return Contestant(lambda x, weight, bias: causal_conv1d(x, weight, bias, activation="silu")[0])


def _workload(case: str, sizes: dict[str, Sizes], dilation: int, silu: bool, peers: dict[str, Peer]) -> Workload:
    options: dict[str, Any] = {"dilation": dilation, "activation": "silu" if silu else None}
    conv1d = partial(_conv1d, dilation=dilation, silu=silu)
    return Workload(
        kernel="depthwise_conv",
        case=case,
        sizes=sizes,
        make=make,
        ours=partial(depthwise_conv, **options),
        reference=partial(reference, **options),
        plain={"F.conv1d": Contestant(conv1d), "F.conv1d, channels first": Contestant(conv1d, _channels_first)},
        cost=lambda n, **how: cost(n["B"], n["L"], n["D"], n["K"], silu=silu, **how),
        peers=peers,
    )


WORKLOADS = [
    _workload(
        "width 4 with SiLU, as in mamba",
        {
            "check": {"B": 2, "L": 80, "D": 48, "K": 4},
            "cpu": {"B": 8, "L": 512, "D": 256, "K": 4},
            "cuda": {"B": 8, "L": 4096, "D": 2048, "K": 4},
        },
        dilation=1,
        silu=True,
        peers={
            "causal-conv1d": Peer("causal_conv1d", _causal_conv1d, ("cuda",)),
            "flash-linear-attention": Peer("fla", _fla, ("cuda",)),
        },
    ),
    _workload(
        "width 17, dilation 8, as in tcnca",
        {
            "check": {"B": 2, "L": 160, "D": 48, "K": 17},
            "cpu": {"B": 1, "L": 8192, "D": 128, "K": 17},
            "cuda": {"B": 8, "L": 16384, "D": 512, "K": 17},
        },
        dilation=8,
        silu=False,
        peers={},
    ),
]
