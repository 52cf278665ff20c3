"""Measure the cost of a trial: time, memory, energy and operations."""

from __future__ import annotations

import math
import resource
import sys

import numpy as np
import torch
from torch.utils.flop_counter import FlopCounterMode

from ..assembly.module import Built, tensors_of
from ..contract.spec import Series, Tokens
from ..records.record import Cost
from .active_time import active_time, stopped_seconds
from .rows import Rows


class StepClock:
    """Times training steps: wall time on a CPU, device events on a GPU (synchronized only in `take`).

    Time in which the process is stopped does not count.
    """

    def __init__(self, device: torch.device):
        self._on_gpu = device.type == "cuda"
        self._pending: list[tuple[torch.cuda.Event, torch.cuda.Event]] = []
        self._stopped: list[float] = []
        self.seconds: list[float] = []
        self._taken = 0

    def __enter__(self) -> None:
        if self._on_gpu:
            self._pending.append((torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)))
            self._pending[-1][0].record()
            self._stopped.append(-stopped_seconds())
        else:
            self._start = active_time()

    def __exit__(self, *_: object) -> None:
        if self._on_gpu:
            self._pending[-1][1].record()
            self._stopped[-1] += stopped_seconds()
        else:
            self.seconds.append(active_time() - self._start)

    def add(self, seconds: float) -> None:
        """Count a step that was timed elsewhere."""
        self.seconds.append(seconds)

    def take(self) -> float:
        """Return the total seconds of all steps since the last call."""
        if self._pending:
            torch.cuda.synchronize()
            for (start, end), stopped in zip(self._pending, self._stopped, strict=True):
                self.seconds.append(max(0.0, start.elapsed_time(end) / 1e3 - stopped))
            self._pending.clear()
            self._stopped.clear()
        taken = sum(self.seconds[self._taken :])
        self._taken = len(self.seconds)
        return taken

    def quantiles_ms(self) -> dict[str, float]:
        """Return the 10th, 50th and 90th percentiles in milliseconds per step, without the first steps."""
        steady = self.seconds[min(5, len(self.seconds) // 2) :]
        if not steady:
            return {}
        values = np.percentile(np.array(steady) * 1e3, (10, 50, 90))
        return {name: round(float(value), 4) for name, value in zip(("p10", "p50", "p90"), values, strict=True)}


@torch.no_grad()
def forward_flops(model: Built, rows: Rows) -> float:
    """Return the number of floating-point operations in the forward pass of one row.

    Counts matrix products, convolutions, attention, and kernels that register a formula, but not
    element-wise operations.
    """
    model.eval()
    inputs, _ = rows.batch(slice(0, 1))
    with FlopCounterMode(display=False) as counter:
        model(**inputs)
    return float(counter.get_total_flops())


@torch.no_grad()
def inference_ms(model: Built, rows: Rows, batch: int, repeats: int = 5) -> float:
    """Return the median time of a forward pass over `batch` rows, in milliseconds per row."""
    model.eval()
    inputs, _ = rows.batch(slice(0, batch))
    clock = StepClock(rows.device)
    for _ in range(repeats + 1):
        with clock:
            model(**inputs)
    clock.take()
    count = len(next(iter(inputs.values())))
    return float(np.median(clock.seconds[1:])) * 1e3 / count


@torch.no_grad()
def state_bytes(model: Built) -> int | None:
    """Return the size of one row's decoding state over all layers, in bytes, after the task's full length.

    A recurrent state has a constant size; an attention cache grows with the length. Returns None
    if the model does not implement `step` or the task does not support decoding.
    """
    if not (model.steps_itself and model.spec.causal and model.spec.per_position):
        return None
    device = next(model.parameters()).device
    match model.spec.inputs:
        case Tokens(length=length):
            row = torch.zeros(1, length, dtype=torch.long, device=device)
        case Series(channels, length):
            row = torch.zeros(1, length, channels, device=device)
        case _:
            return None
    state = model.eval().prefill(row)
    return sum(leaf.numel() * leaf.element_size() for leaf in tensors_of(state))


def energy_joules(device: torch.device) -> float | None:
    """Return the GPU's energy counter (NVML) in joules, or None if it is not available."""
    if device.type != "cuda":
        return None
    try:
        import pynvml  # pyright: ignore[reportMissingImports] (not installed on macOS)

        handle = torch.cuda._get_pynvml_handler(device)
        return pynvml.nvmlDeviceGetTotalEnergyConsumption(handle) / 1e3
    except Exception:  # the package, the driver or the counter may be missing
        return None


def tokens_per_row(rows: Rows) -> int:
    """Return the number of positions per training row, including padding; 1 for fields and images."""
    if "tokens" in rows.inputs:
        return math.prod(rows.inputs["tokens"].shape[1:])
    return rows.inputs["values"].shape[1] if "values" in rows.inputs else 1


def peak_memory(device: torch.device) -> dict[str, int]:
    """Return the peak memory of this process, and of the device if it is a GPU, in bytes."""
    unit = 1 if sys.platform == "darwin" else 1024
    peak = {"peak_rss_bytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit}
    if device.type == "cuda":
        peak["peak_allocated_bytes"] = torch.cuda.max_memory_allocated(device)
        peak["peak_reserved_bytes"] = torch.cuda.max_memory_reserved(device)
    return peak


def share(cost: Cost, members: int) -> Cost:
    """Return the cost of one of several cells trained together; its times are its share already, its memory is not."""
    peaks = ("peak_rss_bytes", "peak_allocated_bytes", "peak_reserved_bytes")
    shares = {name: value // members for name in peaks if (value := getattr(cost, name)) is not None}
    return cost.model_copy(update={"members": members, **shares})


def throughput(cost: Cost, samples: int, tokens: int) -> None:
    """Set the samples per second and tokens per second of training."""
    if cost.train_seconds:
        cost.samples_per_second = samples / cost.train_seconds
        cost.tokens_per_second = cost.samples_per_second * tokens
