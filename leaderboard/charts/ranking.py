"""The critical-difference diagram: mean ranks over tasks, and who cannot be told apart."""

from __future__ import annotations

from typing import Any

import altair as alt
import numpy as np

from ..ranks import critical_difference
from ..views import ColumnView, SectionView
from .drawing import Chart, named, specification


def ranking_chart(section: SectionView) -> Chart | None:
    """Return the diagram over the tasks that all rows have a score of, or None where tasks or rows are too few."""
    columns = _whole_columns(section)
    signs = {"higher": 1.0, "lower": -1.0}
    scores = np.array([[signs[column.evaluation.direction] * (row.cells[i].value or 0.0) for i, column in columns]
                       for row in section.rows])  # fmt: skip
    if not columns:
        return None
    found = critical_difference(tuple(row.variant for row in section.rows), scores)
    if found is None:
        return None
    order = [name for name, _ in found.ranks]
    points = [{"variant": name, "rank": rank} for name, rank in found.ranks]
    bars: list[dict[str, Any]] = []
    for number, (first, last) in enumerate(found.cliques):
        low, high = found.ranks[first][1], found.ranks[last][1]
        bars += [
            {"variant": name, "low": low, "high": high, "clique": number} for name, _ in found.ranks[first : last + 1]
        ]
    scale = alt.Scale(domain=[1, len(order)], nice=False)
    x = alt.X("rank:Q", title="mean rank (1 is best)", scale=scale)
    y = alt.Y(
        "variant:N",
        sort=order,
        title=None,
        axis=alt.Axis(labelColor="var(--text)", domain=False, ticks=False, minExtent=110),
    )
    band = alt.Chart(named("bars")).mark_bar(height=6, color="var(--accent)", opacity=0.22).encode(
        x=alt.X("low:Q", title="mean rank (1 is best)", scale=scale), x2="high:Q", y=y, yOffset="clique:N"
    )  # fmt: skip
    dots = alt.Chart(named("points")).mark_point(filled=True, size=60, color="var(--accent)").encode(
        x=x, y=y, tooltip=["variant:N", alt.Tooltip("rank:Q", format=".2f")]
    )  # fmt: skip
    test = f"Friedman’s test over {found.tasks} tasks: p = {found.p_value:.2g}."
    note = (
        f"{test} Rows that share a bar cannot be told apart: their mean ranks differ by less than {found.distance:.2f}."
    )
    body = (band + dots).properties(width=420, height=max(90, 26 * len(order)))
    return Chart(
        f"{section.id}-ranks", "Mean rank over tasks", note, specification(body), {"points": points, "bars": bars}
    )


def _whole_columns(section: SectionView) -> list[tuple[int, ColumnView]]:
    """Return the first column of each task in which every row has a score."""
    seen: set[str] = set()
    found = []
    for index, column in enumerate(section.columns):
        if column.is_average or column.task.task in seen:
            continue
        seen.add(column.task.task)
        if all(row.cells[index].value is not None for row in section.rows):
            found.append((index, column))
    return found
