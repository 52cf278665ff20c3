"""Score against cost, with the points that no other beats in both."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from statistics import fmean
from typing import Any

import altair as alt

from ..rows import Row, group_by
from ..views import SectionView
from .drawing import Chart, by_family, named

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


def quality_chart(section: SectionView, scores: Sequence[Row], colours: Mapping[str, str]) -> Chart | None:
    """Return the chart of one section: a panel a task, a point a variant.

    Parameters
    ----------
    scores
        The section's rows of kind "score".
    """
    firsts = list({column.task.task: column for column in reversed(section.columns) if not column.is_average}.values())
    panels = [column.name for column in reversed(firsts)][:MOST_COLUMNS]
    points = [point for name in panels for point in _points(name, scores)]
    costs = [name for name in COSTS if any(point["cost"] == name for point in points)]
    if not costs or len({point["variant"] for point in points}) < 2:
        return None
    chosen = alt.param(name="cost", value=costs[0], bind=alt.binding_select(options=costs, name="cost "))
    base = alt.Chart().transform_filter("datum.cost === cost").encode(
        x=alt.X("at:Q", scale=alt.Scale(type="log", nice=False, padding=18), title=None,
                axis=alt.Axis(tickCount=4, format="~s", grid=False)),
        y=alt.Y("score:Q", scale=alt.Scale(zero=False, padding=12), title=None, axis=alt.Axis(tickCount=4)),
    )  # fmt: skip
    shown = [alt.Tooltip(f"{name}:N") for name in ("variant", "family")]
    shown += [alt.Tooltip("score:Q", format=".4~g"), alt.Tooltip("at:Q", title="cost", format=".3~s")]
    front = base.transform_filter("datum.front").mark_line(
        interpolate="step-after", color="var(--muted)", strokeDash=[3, 3], strokeWidth=1
    )
    dots = base.mark_point(filled=True, size=55, opacity=0.95).encode(color=by_family(points, colours), tooltip=shown)
    names = (
        base.transform_filter("datum.front").mark_text(align="left", dx=6, dy=-5, limit=110).encode(text="variant:N")
    )
    body = alt.layer(front, dots, names, data=named("points")).properties(width=190, height=130)
    body = body.facet(
        alt.Facet("panel:N", sort=panels), columns=5, bounds="flush", spacing={"row": 62, "column": 66}
    ).resolve_scale(x="independent", y="independent")
    return Chart(
        f"{section.id}-quality",
        "Score against cost",
        f"Cost here is {costs[0]}; Explore offers {len(costs)}. Dashed: the Pareto front. "
        "Upwards is better, to the left is cheaper; each panel has scales of its own.",
        body.add_params(chosen),
        {"points": points},
        wide=True,
    )


def _points(column: str, scores: Sequence[Row]) -> Iterator[dict[str, Any]]:
    """Yield the points of a panel, one a (cost, variant); a lower-is-better score is shown with its sign turned."""
    own = group_by([row for row in scores if row["column"] == column and row["value"] is not None], "variant")
    for title, field in COSTS.items():
        found = []
        for (variant,), rows in own.items():
            costs = [row[field] for row in rows if row[field]]
            if costs:
                sign = 1 if rows[0]["direction"] == "higher" else -1
                at = fmean(costs) / (2**20 if field == "peak_memory_bytes" else 1)
                score = sign * fmean(row["value"] for row in rows)
                found.append({"variant": variant, "family": rows[0]["family"], "score": score, "at": at})
        panel = column if not own or next(iter(own.values()))[0]["direction"] == "higher" else f"\u2212 {column}"
        for point in found:
            yield {"panel": panel, "cost": title, "front": is_on_front(point, found)} | point


def is_on_front(point: Mapping[str, Any], points: Sequence[Mapping[str, Any]]) -> bool:
    """Return whether no other point has as good a score at as low a cost, and is better in one of them."""
    return not any(
        other["score"] >= point["score"] and other["at"] <= point["at"]
        and (other["score"] > point["score"] or other["at"] < point["at"])
        for other in points
    )  # fmt: skip
