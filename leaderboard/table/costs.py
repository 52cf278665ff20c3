"""Costs of each variant, from the tidy table."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import fmean, median

from ..formats import NONE, duration, energy, memory, quantity
from .rows import Row, group_by


@dataclass(frozen=True)
class CostRow:
    """Measured costs of one variant over its finished cells; `tasks` counts its finished tasks."""

    variant: str
    values: tuple[str, ...]
    tasks: str


@dataclass(frozen=True)
class CostTable:
    """Costs by variant. Costs that were never measured have no column."""

    names: tuple[str, ...]
    rows: tuple[CostRow, ...]


def typical(cells: Sequence[Row], name: str) -> float | None:
    """Return the median over tasks of the mean over seeds."""
    means = [fmean(known) for own in group_by(cells, "task").values() if (known := _known(own, name))]
    return median(means) if means else None


def largest(cells: Sequence[Row], name: str) -> float | None:
    """Return the largest value over cells."""
    return max(_known(cells, name), default=None)


def _known(cells: Sequence[Row], name: str) -> list[float]:
    return [cell[name] for cell in cells if cell[name] is not None]


def size_range(cells: Sequence[Row]) -> str:
    """Return the range of the number of body parameters over cells."""
    values = _known(cells, "body_parameters")
    return " to ".join(dict.fromkeys([quantity(min(values)), quantity(max(values))])) if values else NONE


_COLUMNS: dict[str, Callable[[Sequence[Row]], str]] = {
    "body parameters": size_range,
    "training time": lambda cells: duration(typical(cells, "train_seconds")),
    "whole trial": lambda cells: duration(typical(cells, "total_seconds")),
    "samples per second": lambda cells: quantity(typical(cells, "samples_per_second")),
    "forward FLOPs per sample": lambda cells: quantity(typical(cells, "forward_flops")),
    "inference per row": lambda cells: duration(_seconds(typical(cells, "inference_ms"))),
    "peak memory": lambda cells: memory(largest(cells, "peak_memory_bytes")),
    "energy": lambda cells: energy(typical(cells, "energy_joules")),
    "state": lambda cells: memory(largest(cells, "state_bytes")),
}


def _seconds(milliseconds: float | None) -> float | None:
    return milliseconds / 1000 if milliseconds is not None else None


def cost_table(cells: Sequence[Row]) -> CostTable:
    """Return each variant's range of sizes, median costs over tasks and largest memory, from the rows of its cells."""
    tasks = len({cell["task"] for cell in cells})
    finished = sorted((cell for cell in cells if cell["status"] == "ok"), key=lambda x: (x["family"], x["variant"]))
    found = {
        variant: (tuple(write(own) for write in _COLUMNS.values()), f"{len(group_by(own, 'task'))} of {tasks}")
        for (variant,), own in group_by(finished, "variant").items()
    }
    shown = [i for i in range(len(_COLUMNS)) if any(values[i] != NONE for values, _ in found.values())]
    rows = (CostRow(variant, tuple(values[i] for i in shown), done) for variant, (values, done) in found.items())
    return CostTable(tuple(list(_COLUMNS)[i] for i in shown), tuple(rows))
