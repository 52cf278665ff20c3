"""Contests of ``archarena bench``: what takes how many times as long as ours."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import altair as alt

from ..benches import Bench
from .drawing import COLOURS, Chart, named, specification
from .labels import LETTER, PADDING

TITLES = {"step": "A training step of a small mamba language model", "epoch": "An epoch of FinalMLP"}
LINE, LONGEST = 26, 380
"""Pixels of a contestant's line, and of a name before it is cut."""


def contest_chart(number: int, bench: Bench) -> Chart | None:
    """Return seconds of each contestant of a step or an epoch, fastest first, with its ratio to ours."""
    points = [_contestant(row) for row in bench.rows if row.get("seconds")]
    if not points:
        return None
    base = alt.Chart(named("points")).encode(
        x=_log("seconds:Q", "seconds"),
        y=_names("contestant", points).sort(field="seconds"),
    )
    seconds = alt.Tooltip("seconds:Q", format=".3~g")
    dots = base.mark_point(filled=True, size=60).encode(tooltip=["contestant:N", seconds])
    texts = base.mark_text(align="left", dx=8).encode(text="ratio:N")
    body = alt.layer(dots, texts).properties(width=380, height=LINE * len(points))
    note = f"The fastest of several, {bench.device}. The number is how many times as long as ours it takes."
    return Chart(f"{bench.what}-{number}", TITLES[bench.what], note, specification(body), {"points": points})


def _log(field: str, title: str) -> alt.X:
    scale = alt.Scale(type="log", nice=False, padding=PADDING)
    return alt.X(field, title=title, scale=scale, axis=alt.Axis(format="~g"))


def _names(field: str, points: Sequence[dict[str, Any]]) -> alt.Y:
    """Return lines of names, with room for the longest in any font."""
    longest = LETTER * max(len(point[field]) for point in points)
    axis = alt.Axis(labelLimit=LONGEST, minExtent=min(LONGEST, longest), grid=True)
    return alt.Y(f"{field}:N", title=None, axis=axis)


def _contestant(row: dict[str, Any]) -> dict[str, Any]:
    ratio = f"{row['times_ours']:.3g}" if "times_ours" in row else ""
    return {"contestant": row["contestant"], "seconds": row["seconds"], "ratio": ratio}


def peers_chart(number: int, bench: Bench) -> Chart | None:
    """Return how many times as long as our kernel each other form takes, a panel a pass."""
    rows = [row for row in bench.rows if row.get("seconds") and row["contestant"] not in ("ours", "reference")]
    several = len({row["dtype"] for row in rows}) > 1
    points = [_form(row, several) for row in rows]
    if not points:
        return None
    x, y = _log("times:Q", "times ours"), _names("operation", points)
    times = alt.Tooltip("times:Q", format=".3~g")
    form = alt.Color("form:N", title=None, scale=COLOURS, legend=alt.Legend(orient="bottom", columns=3, labelLimit=260))
    dots = alt.Chart().mark_point(filled=True, size=60)
    dots = dots.encode(x=x, y=y, color=form, tooltip=["operation:N", "pass:N", "form:N", times])
    ours = alt.Chart().mark_rule(color="var(--muted)", strokeDash=[3, 3]).encode(x=alt.datum(1))
    height = LINE * len({point["operation"] for point in points})
    body = alt.layer(ours, dots, data=named("points")).properties(width=260, height=height)
    body = body.facet(alt.Facet("pass:N", sort=["forward", "backward"]), columns=2)
    note = f"Other forms of the same operation, {bench.device}. Right of the dashed line they take longer than ours."
    title, shown = "Kernels against other forms", {"points": points}
    return Chart(f"peers-{number}", title, note, specification(body), shown, wide=True)


def _form(row: dict[str, Any], several: bool) -> dict[str, Any]:
    dtype = f", {row['dtype'].removeprefix('torch.')}" if several else ""
    operation = f"{row['kernel']}: {row['case']}{dtype}"
    return {"operation": operation, "pass": row["pass"], "form": row["contestant"], "times": row["times_ours"]}
