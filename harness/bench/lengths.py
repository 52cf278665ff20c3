"""``archarena bench lengths``: how the time of a block of each model grows with the length of the sequence."""

from __future__ import annotations

import resource
from collections.abc import Iterator, Sequence
from math import log
from statistics import linear_regression
from typing import Any

import psutil
import torch
from torch import Tensor, nn

from ..assembly.build import build
from ..contract.model import SequenceModel
from ..contract.registry import Registry
from ..contract.scan import describe
from ..contract.spec import NextToken, Size, TaskSpec, Tokens
from ..errors import is_out_of_memory
from .timing import Clock, race

WIDTH = {"cpu": 64, "cuda": 512}
SHORTEST = 256
LONGEST = {"cpu": 16_384, "cuda": 131_072}
FITTED = 4
"""The exponent is fitted to this many of the longest lengths: at shorter ones, fixed costs hide it."""

PATIENCE = {"cpu": 20.0, "cuda": 2.0}
"""If a single pass takes more seconds than this, longer sequences are not tried."""


def bench_lengths(
    registry: Registry,
    device: torch.device,
    clock: Clock,
    *,
    only: list[str],
    width: int,
    longest: int,
    seconds: float,
) -> Iterator[dict[str, Any]]:
    """Yield one row per sequence model: the times of one causal block on a single sequence of each length.

    If a model fails, its row contains the reason, and the next one is timed.

    Parameters
    ----------
    only
        Names of models; if empty, all sequence models.
    """
    for name in only or sorted(registry.models):
        cls = registry.find("model", name).load()
        if not issubclass(cls, SequenceModel):
            if only:
                yield {"model": name, "problem": "It is not a sequence model, so it has no block to time."}
            continue
        points, ended = _sweep(cls, device, clock, width, longest, seconds)
        row = {"model": name, "width": width, "points": points, "ended": ended}
        last = points[-FITTED:]
        if len(last) > 1:
            for direction in ("forward", "backward"):
                lengths, taken = [point["length"] for point in last], [point[direction] for point in last]
                row[f"{direction}_exponent"] = fitted_exponent(lengths, taken)
        yield row


def cap_memory() -> None:
    """Limit memory to what is free, so that an allocation fails before the system kills the process."""
    used, free = psutil.Process().memory_info().vms, psutil.virtual_memory().available
    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (used + int(0.8 * free), hard))


def _sweep(
    cls: type[SequenceModel], device: torch.device, clock: Clock, width: int, longest: int, seconds: float
) -> tuple[list[dict[str, Any]], str]:
    """Return the points up to the longest length that was timed, and why the sweep ended there."""
    points: list[dict[str, Any]] = []
    length, patience = SHORTEST, PATIENCE[device.type]
    while length <= longest:
        try:
            point = time_length(cls, device, clock, width, length, seconds)
        except Exception as error:
            if is_out_of_memory(error):
                return points, f"out of memory at {length}"
            return points, f"failed at {length}: {describe(error)}"
        points.append({"length": length, **point})
        if max(point.values()) > patience:
            return points, f"a pass took more than {patience:.0f} s at {length}"
        length *= 2
    return points, "the longest length was reached"


def time_length(
    cls: type[SequenceModel], device: torch.device, clock: Clock, width: int, length: int, seconds: float
) -> dict[str, float]:
    mixer = mixer_of(cls, width, length).to(device)
    random = torch.Generator(device).manual_seed(0)
    x = torch.randn(1, length, width, device=device, generator=random, requires_grad=True)
    leaves = [x, *(p for p in mixer.parameters() if p.requires_grad)]
    autocast = torch.autocast(device.type, torch.bfloat16, enabled=device.type == "cuda")

    def forward(_: int) -> Tensor:
        with torch.no_grad(), autocast:
            return mixer(x)

    with autocast:
        y = mixer(x)
    dy = torch.empty_like(y).normal_(generator=random)

    def backward(_: int) -> object:
        return torch.autograd.grad(y, leaves, dy, retain_graph=True, allow_unused=True)

    timings = race({"forward": forward, "backward": backward}, clock, seconds=seconds)
    return {name: timing.seconds for name, timing in timings.items()}


def mixer_of(cls: type[SequenceModel], width: int, length: int) -> nn.Module:
    """Return one block of a sequence model, causal, without embedding or head."""
    torch.manual_seed(0)
    spec = TaskSpec(Tokens(2, length), NextToken(2), causal=True)
    return build(cls, spec, Size(width, 1)).core.train()


def fitted_exponent(lengths: Sequence[int], seconds: Sequence[float]) -> float:
    """Return the least-squares slope of log time over log length."""
    return linear_regression([log(n) for n in lengths], [log(s) for s in seconds]).slope
