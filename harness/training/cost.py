"""Measuring what a trial costs."""

from __future__ import annotations

import math
import resource
import sys
import time

import numpy as np
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from ..assembly.module import Built, tensors_of
from ..contract.spec import Series, Tokens
from ..records.record import Cost
from .rows import Rows


class StepClock:
    """Times training steps: wall time on a CPU, device events on a GPU (read when asked for)."""

    def __init__(self, device: torch.device):
        self._on_gpu = device.type == "cuda"
        self._pending: list[tuple[torch.cuda.Event, torch.cuda.Event]] = []
        self.seconds: list[float] = []

    def __enter__(self) -> None:
        if self._on_gpu:
            self._pending.append((torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)))
            self._pending[-1][0].record()
        else:
            self._start = time.perf_counter()

    def __exit__(self, *_: object) -> None:
        if self._on_gpu:
            self._pending[-1][1].record()
        else:
            self.seconds.append(time.perf_counter() - self._start)

    def take(self) -> float:
        """Return the seconds of all steps since the last call."""
        if self._pending:
            torch.cuda.synchronize()
            self.seconds += [start.elapsed_time(end) / 1e3 for start, end in self._pending]
            self._pending.clear()
        taken = sum(self.seconds[getattr(self, "_taken", 0) :])
        self._taken = len(self.seconds)
        return taken

    def quantiles_ms(self) -> dict[str, float]:
        """Return the 10th, 50th and 90th percentile of a step in milliseconds, warm-up left out."""
        steady = self.seconds[min(5, len(self.seconds) // 2) :]
        if not steady:
            return {}
        values = np.percentile(np.array(steady) * 1e3, (10, 50, 90))
        return {name: round(float(value), 4) for name, value in zip(("p10", "p50", "p90"), values, strict=True)}


@torch.no_grad()
def forward_flops(model: nn.Module, rows: Rows) -> float:
    """Return the floating-point operations of one row's forward pass.

    Matrix products, convolutions, attention and kernels that register a formula are counted;
    element-wise operations are not.
    """
    model.eval()
    inputs, _ = rows.batch(slice(0, 1))
    with FlopCounterMode(display=False) as counter:
        model(**inputs)
    return float(counter.get_total_flops())


@torch.no_grad()
def inference_ms(model: nn.Module, rows: Rows, batch: int, repeats: int = 5) -> float:
    """Return the median milliseconds a row of a forward pass over `batch` rows."""
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
def state_bytes(model: nn.Module) -> int | None:
    """Return the bytes that a row's state holds, over all layers, after as many positions as the task has.

    A recurrence's state has one size; a cache of attention has grown to the length. None where
    the model has no step of its own or the task is not decoded.
    """
    if not (isinstance(model, Built) and model.steps_itself and model.spec.causal and model.spec.per_position):
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
    """Return the reading of the GPU's energy counter (NVML), or None where there is none."""
    if device.type != "cuda":
        return None
    try:
        import pynvml  # pyright: ignore[reportMissingImports]

        handle = torch.cuda._get_pynvml_handler(device)
        return pynvml.nvmlDeviceGetTotalEnergyConsumption(handle) / 1e3
    except Exception:  # without the package, the driver or the counter there is no reading
        return None


def tokens_per_row(rows: Rows) -> int:
    """Return how many tokens a training row holds, padding included; 1 for rows of fields."""
    if "tokens" in rows.inputs:
        return math.prod(rows.inputs["tokens"].shape[1:])
    return rows.inputs["values"].shape[1] if "values" in rows.inputs else 1


def peak_memory(device: torch.device) -> dict[str, int]:
    """Return the peak memory of this process, and of the device where it is a GPU, in bytes."""
    unit = 1 if sys.platform == "darwin" else 1024
    peak = {"peak_rss_bytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit}
    if device.type == "cuda":
        peak["peak_allocated_bytes"] = torch.cuda.max_memory_allocated(device)
        peak["peak_reserved_bytes"] = torch.cuda.max_memory_reserved(device)
    return peak


def throughput(cost: Cost, samples: int, tokens: int) -> None:
    """Fill in samples and tokens a second of training."""
    if cost.train_seconds:
        cost.samples_per_second = samples / cost.train_seconds
        cost.tokens_per_second = cost.samples_per_second * tokens
