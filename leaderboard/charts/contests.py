"""Comparisons of ``archarena bench`` with other packages: how many times as long they take as archarena."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import altair as alt

from ...harness.records.bench_report import BenchReport
from .drawing import COLORS, Chart, named, specification
from .labels import LETTER, PADDING

TITLES = {"step": "Training step of a small mamba language model", "epoch": "Epoch of FinalMLP"}
LINE, LONGEST = 26, 380
"""Height of a line, and maximum width of a name, in pixels; longer names are cut."""


def contest_chart(number: int, report: BenchReport) -> Chart | None:
    """Return the seconds of each contestant of a step or an epoch, fastest first, with its ratio to archarena."""
    points = [
        {name: row[name] for name in ("contestant", "seconds")}
        | {"ratio": f"{row['times_ours']:.3g}" if "times_ours" in row else ""}
        for row in report.rows
        if row.get("seconds")
    ]
    if not points:
        return None
    base = alt.Chart(named("points")).encode(
        x=_log("seconds:Q", "seconds"),
        y=_names("contestant", points).sort(field="seconds"),
    )
    dots = base.mark_point(filled=True, size=60)
    dots = dots.encode(tooltip=["contestant:N", alt.Tooltip("seconds:Q", format=".3~g")])
    texts = base.mark_text(align="left", dx=8).encode(text="ratio:N")
    body = alt.layer(dots, texts).properties(width=380, height=LINE * len(points))
    note = f"Fastest of several measurements, {report.device}. The number is the time relative to archarena."
    name = report.bench
    return Chart(f"{name}-{number}", TITLES[name], note, specification(body), {"points": points})


def _log(field: str, title: str) -> alt.X:
    scale = alt.Scale(type="log", nice=False, padding=PADDING)
    return alt.X(field, title=title, scale=scale, axis=alt.Axis(format="~g"))


def _names(field: str, points: Sequence[dict[str, Any]]) -> alt.Y:
    """Return an axis of names with room for the longest, independent of the font."""
    longest = LETTER * max(len(point[field]) for point in points)
    axis = alt.Axis(labelLimit=LONGEST, minExtent=min(LONGEST, longest), grid=True)
    return alt.Y(f"{field}:N", title=None, axis=axis)


def peers_chart(number: int, report: BenchReport) -> Chart | None:
    """Return how many times as long other implementations take as our kernels, with a panel per pass."""
    others = [row for row in report.rows if row.get("seconds") and row["contestant"] not in ("ours", "reference")]
    several_dtypes = len({row["dtype"] for row in others}) > 1
    points = [_peer(row, several_dtypes) for row in others]
    if not points:
        return None
    x, y = _log("times:Q", "times ours"), _names("operation", points)
    times = alt.Tooltip("times:Q", format=".3~g")
    form = alt.Color("form:N", title=None, scale=COLORS, legend=alt.Legend(orient="bottom", columns=3, labelLimit=260))
    dots = alt.Chart().mark_point(filled=True, size=60)
    dots = dots.encode(x=x, y=y, color=form, tooltip=["operation:N", "pass:N", "form:N", times])
    ours = alt.Chart().mark_rule(color="var(--muted)", strokeDash=[3, 3]).encode(x=alt.datum(1))
    height = LINE * len({point["operation"] for point in points})
    body = alt.layer(ours, dots, data=named("points")).properties(width=260, height=height)
    body = body.facet(alt.Facet("pass:N", sort=["forward", "backward"]), columns=2)
    note = (
        f"Time of other implementations relative to ours, {report.device}. "
        "Points to the right of the dashed line are slower than ours."
    )
    title = "Kernels against other implementations"
    return Chart(f"peers-{number}", title, note, specification(body), {"points": points}, wide=True)


def _peer(row: dict[str, Any], several_dtypes: bool) -> dict[str, Any]:
    dtype = f", {row['dtype'].removeprefix('torch.')}" if several_dtypes else ""
    operation = f"{row['kernel']}: {row['case']}{dtype}"
    return {"operation": operation, "pass": row["pass"], "form": row["contestant"], "times": row["times_ours"]}
