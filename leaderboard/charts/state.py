"""Recall against the size of the state that a decoder carries from one token to the next."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import fmean
from typing import Any

import altair as alt

from ..table.rows import Row, group_by
from .drawing import Chart, by_family, specification
from .labels import PlotArea, label_points, labels, panels

AREA = PlotArea(190, 130, x="state", y="score")


def state_chart(id: str, scores: Sequence[Row], colors: Mapping[str, str]) -> Chart | None:
    """Return the chart over the first column of each recall task, or None unless at least two state sizes differ."""
    found = [
        row for row in scores
        if row["suite"] == "recall" and row["column"] == row["task"] and row["value"] is not None and row["state_bytes"]
    ]  # fmt: skip
    points = [point for (column,), rows in group_by(found, "column").items() for point in _points(column, rows)]
    if len({point["state"] for point in points}) < 2:
        return None
    x, y = AREA.scales()
    base = alt.Chart().encode(
        x=alt.X("state:Q", title=None, scale=x, axis=alt.Axis(format="~s", tickCount=4, grid=False)),
        y=alt.Y("score:Q", title=None, scale=y, axis=alt.Axis(tickCount=4)),
    )
    shown = ["variant:N", alt.Tooltip("score:Q", format=".4~g"), alt.Tooltip("state:Q", title="bytes", format=".3~s")]
    dots = base.mark_point(filled=True, size=55, opacity=0.95).encode(
        color=by_family((point["family"] for point in points), colors), tooltip=shown
    )
    facet, spacing = alt.Facet("panel:N"), {"row": 62, "column": 66}
    body = panels(AREA, dots, labels(base), facet=facet, columns=3, bounds="flush", spacing=spacing)
    note = (
        "Bytes that a decoder carries from one token to the next, at the length of the task. "
        "The state of attention grows with the length."
    )
    return Chart(id, "Recall against state size", note, specification(body), {"points": points})


def _points(column: str, rows: Sequence[Row]) -> list[dict[str, Any]]:
    """Return the points of one task, one per variant, with scores in percent."""
    points = [
        {
            "panel": f"{column}, %",
            "variant": variant,
            "family": own[0]["family"],
            "score": 100 * fmean(row["value"] for row in own),
            "state": fmean(row["state_bytes"] for row in own),
        }
        for (variant,), own in group_by(rows, "variant").items()
    ]
    return label_points(points, AREA)
