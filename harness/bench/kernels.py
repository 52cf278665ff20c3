"""``archarena bench kernels``: compares each kernel with its reference, plain torch, its peers and the roofline.

A kernel that disagrees with its float64 reference is not timed; its row says so.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any

import torch
from torch import Tensor

from ...kernels.workload import Contestant, Inputs, Workload, differentiable
from ..contract.scan import describe
from .roofline import Roofline
from .timing import Call, Clock, Timing, once, race

TOLERANCE = {torch.float32: 1e-5, torch.bfloat16: 1e-2}
"""Maximum relative error: norm of the difference, divided by the norm of the expected result."""

SET_BYTES = 3 * 64 * 2**20
"""On a GPU, calls rotate through inputs of at least this size, so that its cache does not contain the next one."""

OURS = "ours"

Row = dict[str, Any]


def bench_kernels(
    workloads: Sequence[Workload],
    device: torch.device,
    dtypes: Sequence[torch.dtype],
    roofline: Roofline,
    clock: Clock,
    *,
    scale: str | None = None,
    seconds: float = 1.0,
) -> Iterator[list[Row]]:
    """Yield the rows of each workload and dtype.

    If a kernel fails, its row contains the reason, and the next one is timed.

    Parameters
    ----------
    scale
        Name of the workload's sizes; by default those for the device.
    seconds
        Seconds per timed call.
    """
    for workload in workloads:
        for dtype in dtypes:
            sizes = workload.sizes[scale or device.type]
            shared = {"kernel": workload.kernel, "case": workload.case, "sizes": dict(sizes), "dtype": str(dtype)}
            try:
                rows = _bench(workload, device, dtype, roofline, clock, scale or device.type, seconds)
            except Exception as error:
                rows = [{"contestant": OURS, "problem": f"failed: {describe(error)}."}]
            yield [{**shared, **row} for row in rows]


def _bench(
    workload: Workload,
    device: torch.device,
    dtype: torch.dtype,
    roofline: Roofline,
    clock: Clock,
    scale: str,
    seconds: float,
) -> list[Row]:
    error = worst_error(workload, device, dtype)
    if not error <= TOLERANCE[dtype]:
        return [{"contestant": OURS, "problem": f"wrong: the relative error is {error:.1e}."}]
    inputs = _input_sets(workload, scale, device, dtype)
    entries, problems = _field(workload, device)
    entries, others = _agreeing(entries, inputs[0], dtype)
    problems |= others
    rows = []
    for backward in (False, True):
        calls, failed = _started(_backward if backward else _forward, entries, inputs)
        problems |= failed
        timings = race(calls, clock, sets=len(inputs), seconds=seconds)
        if not backward and device.type == "cpu":  # at the sizes for GPUs, the loop would take minutes
            timings["reference"] = once(_forward(Contestant(workload.reference), inputs))
        cost = workload.cost(workload.sizes[scale], backward=backward, itemsize=dtype.itemsize)
        common = {"pass": "backward" if backward else "forward", "error": error}
        rows += [{**common, **_facts(name, timings, cost, dtype, roofline)} for name in timings]
    return rows + [{"contestant": name, "problem": reason} for name, reason in problems.items()]


def _facts(name: str, timings: dict[str, Timing], cost: tuple[int, int], dtype: torch.dtype, roofline: Roofline) -> Row:
    """Return a row of one contestant, without the columns that all rows of the workload share."""
    timing, (flops, moved) = timings[name], cost
    return {
        "contestant": name,
        "seconds": timing.seconds,
        "median_seconds": timing.median,
        "samples": timing.samples,
        "bytes_per_second": moved / timing.seconds,
        "flops_per_second": flops / timing.seconds,
        "floor_seconds": roofline.floor_seconds(flops, moved, dtype),
        "floor_binds": roofline.binds(flops, moved, dtype),
        "times_ours": timing.seconds / timings[OURS].seconds,
    }


def worst_error(workload: Workload, device: torch.device, dtype: torch.dtype) -> float:
    """Return the largest relative error of the output and the gradients, compared with the reference in float64."""
    given = workload.inputs("check", device, dtype)
    exact = {name: _exact(x) for name, x in given.items()}
    runs = ((workload.ours, given), (workload.reference, exact))
    found, expected = (_with_gradients(run, x, dtype) for run, x in runs)
    return max(relative_error(a, b) for a, b in zip(found, expected, strict=True))


def relative_error(found: Tensor, expected: Tensor) -> float:
    """Return the norm of the difference divided by that of `expected`; infinite if it is NaN."""
    expected = expected.detach().double()
    error = (found.detach().double() - expected).norm() / expected.norm().clamp(min=1e-30)
    return float(error.nan_to_num(torch.inf))


def _exact(x: Tensor) -> Tensor:
    return x.detach().double().requires_grad_() if x.is_floating_point() else x


def _with_gradients(run: Callable[..., Tensor], inputs: Inputs, dtype: torch.dtype) -> list[Tensor]:
    """Return the output, and the gradients of its sum with random weights that are exact in `dtype`."""
    y = run(**inputs)
    weights = torch.randn(y.shape, generator=torch.Generator().manual_seed(1)).to(dtype).to(y)
    return [y.detach(), *torch.autograd.grad(y, differentiable(inputs), weights)]


def _field(workload: Workload, device: torch.device) -> tuple[dict[str, Contestant], dict[str, str]]:
    """Return the available contestants, ours first, and why the others are not available."""
    peers = {name: peer.find(device.type) for name, peer in workload.peers.items()}
    present = {name: peer for name, peer in peers.items() if isinstance(peer, Contestant)}
    absent = {name: reason for name, reason in peers.items() if isinstance(reason, str)}
    return {OURS: Contestant(workload.ours), **workload.plain, **present}, absent


def _agreeing(
    entries: dict[str, Contestant], inputs: Inputs, dtype: torch.dtype
) -> tuple[dict[str, Contestant], dict[str, str]]:
    """Return the contestants with the same output as ours, and why the others are left out; ours must not fail."""
    agree, problems, ours = {}, {}, None
    for name, contestant in entries.items():
        try:
            with torch.no_grad():
                y = contestant.run(**contestant.prepare(inputs))
        except Exception as error:  # another package may raise anything
            if name == OURS:
                raise
            problems[name] = f"failed: {describe(error)}."
            continue
        ours = y if ours is None else ours
        error = relative_error(y, ours)
        if error <= 10 * TOLERANCE[dtype]:
            agree[name] = contestant
        else:
            problems[name] = f"not timed: its output differs from ours by {error:.1e}."
    return agree, problems


def _started(
    make: Callable[[Contestant, Sequence[Inputs]], Call], entries: dict[str, Contestant], inputs: Sequence[Inputs]
) -> tuple[dict[str, Call], dict[str, str]]:
    """Return a call per contestant that succeeds once, and why the others fail; ours must not fail."""
    calls, problems = {}, {}
    for name, contestant in entries.items():
        try:
            call = make(contestant, inputs)
            call(0)
        except Exception as error:
            if name == OURS:
                raise
            problems[name] = f"failed: {describe(error)}."
            continue
        calls[name] = call
    return calls, problems


def _input_sets(workload: Workload, scale: str, device: torch.device, dtype: torch.dtype) -> list[Inputs]:
    """Return the inputs to rotate through; only one on a CPU, since a trial benefits from its caches too."""
    first = workload.inputs(scale, device, dtype)
    size = sum(x.nbytes for x in first.values())
    sets = 1 if device.type == "cpu" else max(1, min(16, -(-SET_BYTES // size)))
    return [first, *(workload.inputs(scale, device, dtype, seed) for seed in range(1, sets))]


def _forward(contestant: Contestant, inputs: Sequence[Inputs]) -> Call:
    ready = [contestant.prepare(given) for given in inputs]

    @torch.no_grad()
    def call(index: int) -> Tensor:
        return contestant.run(**ready[index])

    return call


def _backward(contestant: Contestant, inputs: Sequence[Inputs]) -> Call:
    passes = []
    for given in inputs:
        ready = contestant.prepare(given)
        y = contestant.run(**ready)
        dy = torch.empty_like(y).normal_(generator=torch.Generator(y.device).manual_seed(0))
        grad = partial(torch.autograd.grad, y, differentiable(ready), dy, retain_graph=True)
        passes.append(grad)
    return lambda index: passes[index]()
