"""Critical-difference diagram: mean ranks over tasks and groups of tied rows."""

from __future__ import annotations

import altair as alt
import numpy as np

from ..table.ranks import critical_difference
from ..table.sections import SectionView, ranked
from .drawing import Chart, named, specification


def ranking_chart(section: SectionView) -> Chart | None:
    """Return the diagram over the tasks on which all rows have a score, or None if there are too few of them."""
    if not section.compares:
        return None
    scored = [
        [column.sign * value for value in values if value is not None]
        for index, column in section.first_columns.items()
        if None not in (values := [ranked(row.cells[index]) for row in section.rows])
    ]
    if not scored:
        return None
    found = critical_difference(tuple(row.variant for row in section.rows), np.array(scored).T)
    if found is None:
        return None
    order = [name for name, _ in found.ranks]
    points = [{"variant": name, "rank": rank} for name, rank in found.ranks]
    bars = [
        {"variant": name, "low": found.ranks[first][1], "high": found.ranks[last][1], "clique": number}
        for number, (first, last) in enumerate(found.cliques)
        for name, _ in found.ranks[first : last + 1]
    ]
    title, scale = "mean rank (1 is best)", alt.Scale(domain=[1, len(order)], nice=False)
    axis = alt.Axis(labelColor="var(--text)", domain=False, ticks=False, minExtent=110)
    y = alt.Y("variant:N", sort=order, title=None, axis=axis)
    band = alt.Chart(named("bars")).mark_bar(height=6, color="var(--accent)", opacity=0.22).encode(
        x=alt.X("low:Q", title=title, scale=scale), x2="high:Q", y=y, yOffset="clique:N"
    )  # fmt: skip
    dots = alt.Chart(named("points")).mark_point(filled=True, size=60, color="var(--accent)").encode(
        x=alt.X("rank:Q", title=title, scale=scale), y=y, tooltip=["variant:N", alt.Tooltip("rank:Q", format=".2f")]
    )  # fmt: skip
    body = (band + dots).properties(width=420, height=max(90, 26 * len(order)))
    note = (
        f"Friedman’s test over {found.tasks} tasks: p = {found.p_value:.2g}. Rows that share a bar are tied: "
        f"their mean ranks differ by less than {found.distance:.2f}."
    )
    rows = {"points": points, "bars": bars}
    return Chart(f"{section.id}-ranks", "Mean rank over tasks", note, specification(body), rows)
