"""Times of competing calls: in turns, so that a disturbance meets all of them, and the minimum of many."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Protocol

import torch

Call = Callable[[int], object]
"""Runs once on the input set of the given number; results are dropped."""

SHORT_SECONDS = 2e-4
"""Calls on a GPU below this are captured in a CUDA graph, or launching would be what is timed."""

WARM_UP_SECONDS = 0.05
"""What a GPU does before it is timed: its clocks rise from idle within milliseconds."""


@dataclass(frozen=True)
class Timing:
    """Seconds of one call: the least and the median of the samples."""

    seconds: float
    median: float
    samples: int


class Clock(Protocol):
    """Times a batch of calls on one kind of device."""

    def prepare(self, call: Call, sets: int) -> Callable[[], float]:
        """Warm `call` up and return a function that takes a sample: the mean seconds of a call."""
        ...


class CpuClock:
    """Wall time; calls below a millisecond are repeated within a sample."""

    def prepare(self, call: Call, sets: int) -> Callable[[], float]:
        """Warm up once and choose the repeats."""
        call(0)
        repeats = max(1, round(1e-3 / max(_wall(call, 1, sets), 1e-7)))
        return lambda: _wall(call, repeats, sets) / repeats


class GpuClock:
    """Device events around a pass over all input sets; short calls are replayed from a CUDA graph."""

    def prepare(self, call: Call, sets: int) -> Callable[[], float]:
        """Warm up, and capture a graph where the call is short."""

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
    """Return the clock of a device; on a GPU everything then runs on one stream that may be captured."""
    if device.type != "cuda":
        return CpuClock()
    torch.cuda.set_stream(torch.cuda.Stream(device))
    return GpuClock()


def race(
    calls: Mapping[str, Call], clock: Clock, *, sets: int = 1, seconds: float = 1.0, most: int = 40
) -> dict[str, Timing]:
    """Time the calls in turns.

    Parameters
    ----------
    sets
        Input sets to rotate through, so that a GPU's cache does not hold what is read.
    seconds
        Each call is sampled until it has taken this long, once at the least.
    most
        Samples of a call at the most.
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
    """Time a single call on a CPU without warming up, for what is too slow to run again."""
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
    """Return a replay of `run`, or None where it cannot be captured, as when it waits for the device.

    Waiting is found out before: a capture that breaks off leaves torch's own random generator of the device unusable.
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
    """Raise RuntimeError where torch waits for the device."""
    before = torch.cuda.get_sync_debug_mode()
    torch.cuda.set_sync_debug_mode("error")
    try:
        yield
    finally:
        torch.cuda.set_sync_debug_mode(before)
