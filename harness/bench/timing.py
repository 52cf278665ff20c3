"""Times several calls in turn, so that a disturbance affects all of them, and takes the minimum of each."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Protocol

import torch

Call = Callable[[int], object]
"""Runs once on the input set with the given index; its result is discarded."""

SHORT_SECONDS = 2e-4
"""Shorter calls on a GPU are captured in a CUDA graph; otherwise the time would be that of the launch."""

WARM_UP_SECONDS = 0.05
"""Warm-up time on a GPU, whose clock rates rise from idle within milliseconds."""


@dataclass(frozen=True)
class Timing:
    """Seconds of one call: minimum and median of the samples."""

    seconds: float
    median: float
    samples: int


class Clock(Protocol):
    """Times calls on one kind of device."""

    def prepare(self, call: Call, sets: int) -> Callable[[], float]:
        """Warm up `call` and return a function that takes one sample: the mean seconds per call."""
        ...


class CpuClock:
    """Wall time; calls shorter than a millisecond are repeated within a sample."""

    def prepare(self, call: Call, sets: int) -> Callable[[], float]:
        call(0)
        repeats = max(1, round(1e-3 / max(_wall(call, 1, sets), 1e-7)))
        return lambda: _wall(call, repeats, sets) / repeats


class GpuClock:
    """CUDA events around a pass over all input sets; short calls are replayed from a CUDA graph."""

    def prepare(self, call: Call, sets: int) -> Callable[[], float]:
        def all_sets() -> None:
            for index in range(sets):
                call(index)

        all_sets()
        taken = spent = _event_seconds(all_sets)
        while spent < WARM_UP_SECONDS:
            taken = _event_seconds(all_sets)
            spent += taken
        run = all_sets
        if taken / sets < SHORT_SECONDS:
            run = _graphed(all_sets) or all_sets
        return lambda: _event_seconds(run) / sets


def clock_for(device: torch.device) -> Clock:
    """Return the clock for a device. On a GPU, also switch to a new stream: the default stream cannot be captured."""
    if device.type != "cuda":
        return CpuClock()
    torch.cuda.set_stream(torch.cuda.Stream(device))
    return GpuClock()


def race(
    calls: Mapping[str, Call], clock: Clock, *, sets: int = 1, seconds: float = 1.0, most: int = 40
) -> dict[str, Timing]:
    """Time the calls in turn.

    Parameters
    ----------
    sets
        Number of input sets to rotate through, so that a GPU's cache does not contain the next one.
    seconds
        Each call is sampled for this long, and at least once.
    most
        Maximum number of samples per call.
    """
    samplers = {name: clock.prepare(call, sets) for name, call in calls.items()}
    samples: dict[str, list[float]] = {name: [] for name in calls}
    spent = dict.fromkeys(calls, 0.0)
    waiting = list(calls)
    while waiting:
        for name in waiting:
            start = time.perf_counter()
            samples[name].append(samplers[name]())
            spent[name] += time.perf_counter() - start
        waiting = [name for name in calls if len(samples[name]) < most and spent[name] < seconds]
    return {name: Timing(min(taken), statistics.median(taken), len(taken)) for name, taken in samples.items()}


def once(call: Call) -> Timing:
    """Time a single call on a CPU without a warm-up, for calls that are too slow to repeat."""
    taken = _wall(call, 1, 1)
    return Timing(taken, taken, 1)


def _wall(call: Call, repeats: int, sets: int) -> float:
    start = time.perf_counter()
    for index in range(repeats):
        call(index % sets)
    return time.perf_counter() - start


def _event_seconds(run: Callable[[], None]) -> float:
    start, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
    start.record()
    run()
    end.record()
    end.synchronize()
    return start.elapsed_time(end) / 1e3


def _graphed(run: Callable[[], None]) -> Callable[[], None] | None:
    """Return a function that replays `run`, or None if it cannot be captured, such as when it waits for the device.

    Waiting is detected before the capture: a failed capture leaves torch's random generator of the device unusable.
    """
    graph = torch.cuda.CUDAGraph()
    try:
        with _waiting_forbidden():
            run()
        with torch.cuda.graph(graph, stream=torch.cuda.current_stream()):
            run()
    except RuntimeError:
        torch.cuda.synchronize()
        return None
    graph.replay()
    return graph.replay


@contextmanager
def _waiting_forbidden() -> Iterator[None]:
    """Raise RuntimeError if torch waits for the device."""
    before = torch.cuda.get_sync_debug_mode()
    torch.cuda.set_sync_debug_mode("error")
    try:
        yield
    finally:
        torch.cuda.set_sync_debug_mode(before)
