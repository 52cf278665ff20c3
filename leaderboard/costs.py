"""What each variant cost, from the tidy table."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pandas as pd

from .formats import NONE, duration, memory, quantity


@dataclass(frozen=True)
class CostRow:
    """Measured cost of one variant over the cells that it finished."""

    variant: str
    cells: int
    body_parameters: str
    train_time: str
    total_time: str
    samples_per_second: str
    peak_memory: str
    tasks: str


def cost_rows(cells: pd.DataFrame) -> Iterator[CostRow]:
    """Yield the cost of each variant: a range of sizes, medians over tasks, the largest memory.

    Parameters
    ----------
    cells
        Rows of the tidy table, one a cell.
    """
    finished = cells[cells["status"] == "ok"]
    for (_, variant), own in finished.groupby(["family", "variant"], sort=True):
        by_task = own.groupby("task")[["train_seconds", "total_seconds", "samples_per_second"]].mean().median()
        yield CostRow(
            variant=str(variant),
            cells=len(own),
            body_parameters=_range(own["body_parameters"]),
            train_time=duration(by_task["train_seconds"]),
            total_time=duration(by_task["total_seconds"]),
            samples_per_second=quantity(by_task["samples_per_second"]),
            peak_memory=memory(own["peak_memory_bytes"].max()),
            tasks=f"{own['task'].nunique()} of {cells['task'].nunique()}",
        )


def _range(values: pd.Series) -> str:
    known = values.dropna()
    ends = [quantity(known.min()), quantity(known.max())] if len(known) else [NONE]
    return " to ".join(dict.fromkeys(ends))
