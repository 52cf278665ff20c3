"""Recall against the size of the state that a decoder carries from one token to the next."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import fmean

import altair as alt

from ..rows import Row, group_by
from .drawing import Chart, by_family, named


def state_chart(id: str, scores: Sequence[Row], colours: Mapping[str, str]) -> Chart | None:
    """Return the chart over the first column of each recall task, where states were measured."""
    found = [
        row for row in scores
        if row["suite"] == "recall" and row["column"] == row["task"] and row["value"] is not None and row["state_bytes"]
    ]  # fmt: skip
    points = [
        {"panel": column, "variant": variant, "family": rows[0]["family"], "score": fmean(r["value"] for r in rows),
         "state": fmean(r["state_bytes"] for r in rows)}
        for (column, variant), rows in group_by(found, "column", "variant").items()
    ]  # fmt: skip
    if len({point["state"] for point in points}) < 2:
        return None
    base = alt.Chart().encode(
        x=alt.X(
            "state:Q", title=None, scale=alt.Scale(type="log", padding=16), axis=alt.Axis(format="~s", tickCount=4)
        ),
        y=alt.Y("score:Q", title=None, scale=alt.Scale(zero=False, padding=10), axis=alt.Axis(tickCount=4)),
    )
    shown = ["variant:N", alt.Tooltip("score:Q", format=".3~f"), alt.Tooltip("state:Q", title="bytes", format=".3~s")]
    dots = base.mark_point(filled=True, size=55).encode(color=by_family(points, colours), tooltip=shown)
    names = base.mark_text(align="left", dx=6, dy=-5, limit=110).encode(text="variant:N")
    body = alt.layer(dots, names, data=named("points")).properties(width=190, height=130)
    body = body.facet(alt.Facet("panel:N"), columns=3, bounds="flush", spacing={"row": 62, "column": 66}).resolve_scale(
        x="independent", y="independent"
    )
    note = "Bytes of state at the task’s length, as a decoder carries it; attention’s grows with the sequence."
    return Chart(id, "Recall against state size", note, body, {"points": points})
