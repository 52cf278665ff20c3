"""Mean normalized score against cost, with the Pareto front: one drawing per kind of cost, as SVG coordinates."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean

from ..formats import duration, energy, memory, quantity
from ..table.costs import largest, typical
from ..table.rows import Row, group_by
from ..table.scales import Scale, column_scale
from ..table.sections import RowView, SectionView
from .labels import PlotArea, Point, label_points
from .quality import is_on_front
from .ticks import log_ticks, nice_ticks

LEFT, TOP, BOTTOM, RIGHT = 48, 14, 42, 16
AREA = PlotArea(560, 300, x="at", y="score")
_LARGEST = {"peak_memory_bytes", "state_bytes", "total_parameters"}
COSTS = {
    "time": ("train_seconds", "training time per task, median over tasks", duration),
    "FLOPs": ("forward_flops", "forward FLOPs per row, median over tasks", quantity),
    "memory": ("peak_memory_bytes", "peak memory", memory),
    "energy": ("energy_joules", "energy per task, median over tasks", energy),
    "parameters": ("total_parameters", "parameters with embedding and head, largest", quantity),
    "state": ("state_bytes", "recurrent state per row, largest", memory),
}


@dataclass(frozen=True)
class CostPoint:
    """One row of the table, in SVG units; `label` is empty if there is no room for it."""

    name: str
    color: str
    x: float
    y: float
    label: str
    label_x: float
    label_y: float
    anchor: str
    text: str


@dataclass(frozen=True)
class CostChart:
    """One kind of cost; `front` is the path of the Pareto front."""

    key: str
    x_title: str
    points: tuple[CostPoint, ...]
    front: str
    x_ticks: tuple[tuple[float, str], ...]
    y_ticks: tuple[tuple[float, str], ...]
    width: int = LEFT + AREA.width + RIGHT
    height: int = TOP + AREA.height + BOTTOM

    @property
    def frame(self) -> dict[str, int]:
        """Return the edges of the plotting area."""
        return {"left": LEFT, "right": LEFT + AREA.width, "top": TOP, "bottom": TOP + AREA.height}


@dataclass(frozen=True)
class CostCharts:
    """The drawings of a section; `tasks` is the number of tasks in the mean."""

    id: str
    tasks: int
    left_out: int
    charts: tuple[CostChart, ...]


def cost_charts(section: SectionView, cells: Sequence[Row]) -> CostCharts | None:
    """Return the drawings of a section, or None if fewer than two rows have all scores.

    The mean covers the first column of each task with a scale. `cells` are the section's rows of kind "score".
    """
    if not section.compares:
        return None
    scales = {index: scale for index, column in section.first_columns.items() if (scale := column_scale(column))}
    means = {row.variant: mean for row in section.rows if (mean := _mean(row, scales)) is not None}
    own = group_by([cell for cell in cells if cell["status"] == "ok"], "variant")
    charts = [
        chart for key in COSTS if (chart := _chart(key, section, means, {name: rows for (name,), rows in own.items()}))
    ]
    return (
        CostCharts(f"{section.id}-cost", len(scales), len(section.rows) - len(means), tuple(charts)) if charts else None
    )


def _mean(row: RowView, scales: Mapping[int, Scale]) -> float | None:
    known = [(value, scale) for index, scale in scales.items() if (value := row.cells[index].value) is not None]
    if not known or len(known) < len(scales):
        return None
    return 100 * fmean(min(1.0, max(0.0, scale(value))) for value, scale in known)


def _chart(
    key: str, section: SectionView, means: Mapping[str, float], cells: Mapping[str, Sequence[Row]]
) -> CostChart | None:
    field, title, write = COSTS[key]
    combine = largest if field in _LARGEST else typical
    found = [
        {"variant": row.variant, "score": means[row.variant], "at": at, "color": row.color}
        for row in section.rows
        if row.variant in means and (at := combine(cells.get(row.variant, ()), field))
    ]
    if len(found) < 2:
        return None
    found.sort(key=lambda point: not is_on_front(point, found))
    places = AREA.places(found)
    labeled = label_points(found, AREA)
    points = tuple(
        CostPoint(
            name=point["variant"],
            color=point["color"],
            x=round(LEFT + x, 1),
            y=round(TOP + y, 1),
            label=point["label"],
            label_x=round(LEFT + x + point["dx"], 1),
            label_y=round(TOP + y + point["dy"] + 4, 1),
            anchor="end" if point["dx"] < 0 else "start" if point["dx"] > 0 else "middle",
            text=f"{point['variant']}: {point['score']:.1f}, {write(point['at'])}",
        )
        for point, (x, y) in zip(labeled, places, strict=True)
    )
    front = sorted((point.x, point.y) for point, raw in zip(points, found, strict=True) if is_on_front(raw, found))
    return CostChart(key, title, points, _steps(front), _x_ticks(found, write), _y_ticks(found))


def _steps(front: Sequence[tuple[float, float]]) -> str:
    first, *rest = front
    return f"M{first[0]} {first[1]}" + "".join(f"H{x}V{y}" for x, y in rest)


def _x_ticks(points: Sequence[Point], write: Callable[[float], str]) -> tuple[tuple[float, str], ...]:
    costs = [point["at"] for point in points]
    ticks = log_ticks(min(costs), max(costs))
    span = math.log(max(costs) / min(costs))
    inner = AREA.width - 28
    return tuple(
        (round(LEFT + 14 + (inner * math.log(tick / min(costs)) / span if span else inner / 2), 1), write(tick))
        for tick in ticks
    )


def _y_ticks(points: Sequence[Point]) -> tuple[tuple[float, str], ...]:
    scores = [point["score"] for point in points]
    low, span = min(scores), max(scores) - min(scores)
    inner = AREA.height - 28
    ticks = [tick for tick in nice_ticks(low, low + span, 7) if low - span * 0.05 <= tick <= low + span * 1.05]
    return tuple(
        (round(TOP + 14 + inner * (1 - ((tick - low) / span if span else 0.5)), 1), f"{tick:.4g}") for tick in ticks
    )
