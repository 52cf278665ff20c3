"""Critical-difference diagram: mean ranks over tasks and groups of tied rows, as SVG coordinates."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..table.ranks import critical_difference
from ..table.sections import SectionView, ranked
from .ticks import linear_scale

WIDTH, ROW, TOP, BOTTOM = 600, 18, 30, 34
LEFT, RIGHT = 170, 20
GAP = 7
"""Distance between the bars of two groups."""


@dataclass(frozen=True)
class RankedRow:
    """One row of the table with its mean rank, at a place in pixels."""

    name: str
    color: str
    rank: str
    x: float
    y: float


@dataclass(frozen=True)
class RankChart:
    """The diagram.

    Attributes
    ----------
    bars
        One vertical bar per group of tied rows: x, and y of the first and the last row.
    distance
        The critical difference: start and end in pixels, and its value.
    """

    id: str
    rows: tuple[RankedRow, ...]
    bars: tuple[tuple[float, float, float], ...]
    ticks: tuple[tuple[float, str], ...]
    distance: tuple[float, float, str]
    p_value: str
    tasks: int
    width: int
    height: int
    bottom: int
    left: int = LEFT


def rank_chart(section: SectionView) -> RankChart | None:
    """Return the diagram over the tasks on which all rows have a score, or None if there are too few of them."""
    if not section.compares:
        return None
    scored = [
        [column.sign * value for value in values if value is not None]
        for index, column in section.first_columns.items()
        if None not in (values := [ranked(row.cells[index]) for row in section.rows])
    ]
    found = critical_difference(tuple(row.variant for row in section.rows), np.array(scored).T) if scored else None
    if found is None:
        return None
    colors = {row.variant: row.color for row in section.rows}
    room = RIGHT + GAP * len(found.cliques)
    count = len(found.ranks)
    to_x = linear_scale([1.0, float(count)], LEFT, WIDTH - room)
    rows = tuple(
        RankedRow(name, colors[name], f"{rank:.2f}", to_x(rank), TOP + ROW * (number + 0.5))
        for number, (name, rank) in enumerate(found.ranks)
    )
    bars = tuple(
        (WIDTH - room + 14 + GAP * number, rows[first].y - 5, rows[last].y + 5)
        for number, (first, last) in enumerate(found.cliques)
    )
    step = max(1, round((count - 1) / 6))
    ticks = tuple((to_x(float(rank)), str(rank)) for rank in range(1, count + 1, step))
    bottom = TOP + ROW * count + 6
    end = min(to_x(1.0 + found.distance), WIDTH - room)
    distance = (to_x(1.0), round(end, 1), f"{found.distance:.2f}")
    p_value = f"{found.p_value:.2g}"
    return RankChart(
        f"{section.id}-ranks", rows, bars, ticks, distance, p_value, found.tasks, WIDTH, bottom + BOTTOM, bottom
    )
