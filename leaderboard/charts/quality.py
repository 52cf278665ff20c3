"""Score against cost, with the points that no other beats in both."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from statistics import fmean
from typing import Any

import altair as alt

from ..rows import Row, group_by
from ..views import ColumnView, SectionView
from .drawing import QUANTITY_LABELS, Chart, by_family, named, specification
from .labels import Panel, beside, names

COSTS = {
    "training time, s": "train_seconds",
    "forward FLOPs a sample": "forward_flops",
    "total parameters": "total_parameters",
    "peak memory, MiB": "peak_memory_bytes",
    "energy, J": "energy_joules",
    "inference of a row, ms": "inference_ms",
}
MOST_COLUMNS = 12
"""Panels that are drawn; the live chart's choice is over the same."""
PANEL = Panel(200, 140, x="at", y="score")


def quality_chart(section: SectionView, scores: Sequence[Row], colours: Mapping[str, str]) -> Chart | None:
    """Return the chart of one section: a panel a task, a point a variant.

    Parameters
    ----------
    scores
        The section's rows of kind "score".
    """
    firsts = list({column.task.task: column for column in reversed(section.columns) if not column.is_average}.values())
    panels = firsts[::-1][:MOST_COLUMNS]
    points = [point for column in panels for point in _points(column, scores)]
    costs = [name for name in COSTS if any(point["cost"] == name for point in points)]
    if not costs or len({point["variant"] for point in points}) < 2:
        return None
    chosen = alt.param(name="cost", value=costs[0], bind=alt.binding_select(options=costs, name="cost "))
    x, y = PANEL.scales()
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
        color=by_family((point["family"] for point in points), colours), tooltip=shown
    )
    body = alt.layer(front, dots, names(base), data=named("points")).properties(width=PANEL.width, height=PANEL.height)
    facet = alt.Facet("panel:N", sort=[_title(column) for column in panels])
    body = body.facet(facet, columns=5, bounds="flush", spacing={"row": 62, "column": 66})
    return Chart(
        f"{section.id}-quality",
        "Score against cost",
        f"Cost here is {costs[0]}; Explore offers {len(costs)}. Dashed: the Pareto front. "
        "Upwards is better, to the left is cheaper; each panel has scales of its own.",
        specification(body.resolve_scale(x="independent", y="independent").add_params(chosen)),
        {"points": points},
        wide=True,
        first={"cost": costs[0]},
    )


def _title(column: ColumnView) -> str:
    """Return a panel's title; where lower is better, scores are shown with their sign turned."""
    sign = "" if column.evaluation.direction == "higher" else "\u2212 "
    return f"{sign}{column.name}" + (", %" if column.format.scale == 100 else "")


def _points(column: ColumnView, scores: Sequence[Row]) -> Iterator[dict[str, Any]]:
    """Yield the points of a panel, one a (cost, variant), in the unit of the table; first those on the front."""
    own = group_by([row for row in scores if row["column"] == column.name and row["value"] is not None], "variant")
    unit = column.format.scale * (1 if column.evaluation.direction == "higher" else -1)
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
        yield from ({"panel": _title(column), "cost": title} | point for point in beside(found, PANEL))


def is_on_front(point: Mapping[str, Any], points: Sequence[Mapping[str, Any]]) -> bool:
    """Return whether no other point has as good a score at as low a cost, and is better in one of them."""
    return not any(
        other["score"] >= point["score"] and other["at"] <= point["at"]
        and (other["score"] > point["score"] or other["at"] < point["at"])
        for other in points
    )  # fmt: skip
