"""What each variant cost, from the tidy table."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from statistics import fmean, median

from .formats import NONE, duration, memory, quantity
from .table import Row, group_by


@dataclass(frozen=True)
class CostRow:
    """Measured cost of one variant over the cells that it finished."""

    variant: str
    body_parameters: str
    train_time: str
    total_time: str
    samples_per_second: str
    peak_memory: str
    tasks: str


def cost_rows(cells: Sequence[Row]) -> Iterator[CostRow]:
    """Yield the cost of each variant: a range of sizes, medians over tasks, the largest memory.

    Parameters
    ----------
    cells
        Rows of the tidy table, one a cell.
    """
    tasks = len({cell["task"] for cell in cells})
    finished = sorted((cell for cell in cells if cell["status"] == "ok"), key=lambda x: (x["family"], x["variant"]))
    for (variant,), own in group_by(finished, "variant").items():
        yield CostRow(
            variant=variant,
            body_parameters=_range(_known(own, "body_parameters")),
            train_time=duration(_typical(own, "train_seconds")),
            total_time=duration(_typical(own, "total_seconds")),
            samples_per_second=quantity(_typical(own, "samples_per_second")),
            peak_memory=memory(max(_known(own, "peak_memory_bytes"), default=None)),
            tasks=f"{len(group_by(own, 'task'))} of {tasks}",
        )


def _typical(cells: Sequence[Row], name: str) -> float | None:
    """Return the median over tasks of the mean over seeds."""
    means = [fmean(known) for own in group_by(cells, "task").values() if (known := _known(own, name))]
    return median(means) if means else None


def _known(cells: Sequence[Row], name: str) -> list[float]:
    return [cell[name] for cell in cells if cell[name] is not None]


def _range(values: Sequence[float]) -> str:
    return " to ".join(dict.fromkeys([quantity(min(values)), quantity(max(values))])) if values else NONE
