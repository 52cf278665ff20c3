"""Score against cost, with the Pareto front."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from statistics import fmean
from typing import Any

import altair as alt

from ..table.columns import ColumnView
from ..table.rows import Row, group_by
from ..table.sections import SectionView
from .drawing import QUANTITY_LABELS, Chart, by_family, specification
from .labels import PlotArea, label_points, labels, panels

COSTS = {
    "training time, s": "train_seconds",
    "forward FLOPs per sample": "forward_flops",
    "total parameters": "total_parameters",
    "peak memory, MiB": "peak_memory_bytes",
    "energy, J": "energy_joules",
    "inference per row, ms": "inference_ms",
}
MOST_COLUMNS = 12
"""Maximum number of panels."""
AREA = PlotArea(200, 140, x="at", y="score")


def quality_chart(section: SectionView, scores: Sequence[Row], colors: Mapping[str, str]) -> Chart | None:
    """Return the chart of one section from its rows of kind "score": a panel per task, a point per variant."""
    if not section.compares:
        return None
    columns = list(section.first_columns.values())[:MOST_COLUMNS]
    points = [point for column in columns for point in _points(column, scores)]
    costs = [name for name in COSTS if any(point["cost"] == name for point in points)]
    if not costs or len({point["variant"] for point in points}) < 2:
        return None
    chosen = alt.param(name="cost", value=costs[0], bind=alt.binding_select(options=costs, name="cost "))
    x, y = AREA.scales()
    base = alt.Chart().transform_filter("datum.cost === cost").encode(
        x=alt.X("at:Q", scale=x, title=None, axis=alt.Axis(tickCount=4, grid=False, **QUANTITY_LABELS)),
        y=alt.Y("score:Q", scale=y, title=None, axis=alt.Axis(tickCount=4)),
    )  # fmt: skip
    shown = [alt.Tooltip(f"{name}:N") for name in ("variant", "family")]
    shown += [alt.Tooltip("score:Q", format=".4~g"), alt.Tooltip("at:Q", title="cost", format=".3~g")]
    front = base.transform_filter("datum.front").mark_line(
        interpolate="step-after", color="var(--muted)", strokeDash=[3, 3], strokeWidth=1
    )
    dots = base.mark_point(filled=True, size=55, opacity=0.95).encode(
        color=by_family((point["family"] for point in points), colors), tooltip=shown
    )
    facet = alt.Facet("panel:N", sort=[_title(column) for column in columns])
    spacing = {"row": 62, "column": 66}
    body = panels(AREA, front, dots, labels(base), facet=facet, columns=5, bounds="flush", spacing=spacing)
    note = (
        f"The cost is {costs[0]}; Explore offers {len(costs)} costs. The dashed line is the Pareto front. "
        "Up is better, left is cheaper. Each panel has its own scales."
    )
    return Chart(
        f"{section.id}-quality",
        "Score against cost by task",
        note,
        specification(body.add_params(chosen)),
        {"points": points},
        wide=True,
        first={"cost": costs[0]},
    )


def _title(column: ColumnView) -> str:
    """Return the title of a panel. If lower is better, the panel shows negated scores."""
    return ("" if column.sign > 0 else "\u2212 ") + column.name + (", %" if column.format.scale == 100 else "")


def _points(column: ColumnView, scores: Sequence[Row]) -> Iterator[dict[str, Any]]:
    """Yield the points of a panel, one per cost and variant, those on the Pareto front first."""
    own = group_by([row for row in scores if row["column"] == column.name and row["value"] is not None], "variant")
    unit = column.format.scale * column.sign
    for title, field in COSTS.items():
        found = []
        for (variant,), rows in own.items():
            costs = [row[field] for row in rows if row[field]]
            if costs:
                at = fmean(costs) / (2**20 if field == "peak_memory_bytes" else 1)
                score = unit * fmean(row["value"] for row in rows)
                found.append({"variant": variant, "family": rows[0]["family"], "score": score, "at": at})
        found = [{"front": is_on_front(point, found)} | point for point in found]
        found.sort(key=lambda point: not point["front"])
        yield from ({"panel": _title(column), "cost": title} | point for point in label_points(found, AREA))


def is_on_front(point: Mapping[str, Any], points: Sequence[Mapping[str, Any]]) -> bool:
    """Return whether no other point is at least as good and as cheap, and better in one of the two."""
    return not any(
        other["score"] >= point["score"] and other["at"] <= point["at"]
        and (other["score"] > point["score"] or other["at"] < point["at"])
        for other in points
    )  # fmt: skip
