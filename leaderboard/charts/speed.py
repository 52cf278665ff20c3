"""Speed charts from reports of ``archarena bench``: time against sequence length, and kernels under the roofline."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import altair as alt

from ...harness.records.bench_report import BenchReport
from ...harness.records.left_out import say_left_out
from .contests import contest_chart, peers_chart
from .drawing import COLORS, Chart, named, specification
from .labels import PlotArea, label_curves, labels, panels

DIRECTIONS = ("forward", "backward")
AREA = PlotArea(360, 300, x="length", y="ms", log_y=True)
FONT_ROOM = 30
"""Pixels to the right of the labels, for fonts wider than the one assumed."""


def speed_charts(reports: Sequence[BenchReport]) -> Iterator[Chart]:
    """Yield the charts that the reports allow."""
    kinds = {
        "kernels": (_roofline, peers_chart),
        "lengths": (_lengths,),
        "filters": (_filters,),
        "step": (contest_chart,),
        "epoch": (contest_chart,),
    }
    for number, report in enumerate(reports, 1):
        for chart in kinds.get(report.bench, ()):
            try:
                drawn = chart(number, report)
            except (LookupError, TypeError, ValueError, AttributeError, ArithmeticError) as error:
                say_left_out(f"The report of bench {report.bench} on {report.device} has odd rows ({error!r}).")
                continue
            if drawn:
                yield drawn


def _lengths(number: int, report: BenchReport) -> Chart | None:
    """Return time by length of one block of each model; labels include the exponent fitted to the longest lengths."""
    note = (
        f"One block on one sequence, {report.device}. The number after a name is the exponent fitted to its longest "
        "lengths: 1 is linear, 2 is quadratic."
    )
    curves = [[_length_curve(row, direction) for row in report.rows] for direction in DIRECTIONS]
    return _by_length(f"lengths-{number}", "Time against sequence length", note, curves)


def _length_curve(row: dict[str, Any], direction: str) -> list[dict[str, Any]]:
    exponent = row.get(f"{direction}_exponent")
    variant = row["model"] if exponent is None else f"{row['model']} {exponent:.2f}"
    names = {"model": row["model"], "direction": direction, "exponent": exponent, "variant": variant, "seed": 0}
    return [names | {"length": at["length"], "ms": 1e3 * at[direction]} for at in row.get("points", [])]


def _filters(number: int, report: BenchReport) -> Chart | None:
    """Return time by length of TCNCA's filter and of MEGA's implementations, with a comparison to published figures."""
    filters = list(report.rows[0]["forward"]) if report.rows else []
    curves = [[_filter_curve(report, name, direction) for name in filters] for direction in DIRECTIONS]
    compared = " ".join(
        _against_published(report, direction) for direction in DIRECTIONS if direction in report.published
    )
    note = f"TCNCA's filter and three implementations of MEGA's, {report.device}. {compared}".strip()
    return _by_length(f"filters-{number}", "Filters against sequence length", note, curves)


def _filter_curve(report: BenchReport, name: str, direction: str) -> list[dict[str, Any]]:
    names = {"model": name, "direction": direction, "exponent": None, "variant": name, "seed": 0}
    return [names | {"length": row["length"], "ms": 1e3 * row[direction][name]} for row in report.rows]


def _against_published(report: BenchReport, direction: str) -> str:
    slowest = max(report.rows, key=lambda row: row[f"{direction}_by_tcnca"]["official"])
    official, recurrence = (slowest[f"{direction}_by_tcnca"][form] for form in ("official", "recurrence"))
    return (
        f"{direction.capitalize()}: the official implementation was published to take up to "
        f"{report.published[direction]:g} times as long as tcnca. Here it takes up to {official:.3g} times as long, "
        f"at length {slowest['length']:,}; the plain recurrence takes {recurrence:.2g} times as long there."
    )


def _by_length(id: str, title: str, note: str, curves: list[list[list[dict[str, Any]]]]) -> Chart | None:
    """Return curves of time by length, with a panel per direction and each curve labeled at its end."""
    points = [point for panel in curves for point in label_curves(panel, AREA)]
    if not points:
        return None
    x, y = AREA.scales()
    x["base"] = 2
    base = alt.Chart().encode(
        x=alt.X("length:Q", title="sequence length", scale=x, axis=alt.Axis(format=",", tickCount=6, grid=False)),
        y=alt.Y("ms:Q", title="milliseconds", scale=y, axis=alt.Axis(format="~s", tickCount=5)),
        color=alt.Color("model:N", scale=COLORS, title=None),
    )
    shown = ["model:N", alt.Tooltip("length:Q", format=","), alt.Tooltip("ms:Q", format=".3~g")]
    dots = base.mark_line(point=alt.OverlayMarkDef(size=22), strokeWidth=1.5).encode(
        tooltip=[*shown, alt.Tooltip("exponent:Q", format=".2f")]
    )
    facet, names = alt.Facet("direction:N", sort=list(DIRECTIONS)), labels(base, x=alt.value(AREA.width))
    body = panels(AREA, dots, names, facet=facet, columns=2, spacing={"column": 150})
    body = body.properties(padding={"left": 5, "top": 5, "bottom": 5, "right": FONT_ROOM})
    return Chart(id, title, note, specification(body), {"points": points}, wide=True)


def _roofline(number: int, report: BenchReport) -> Chart | None:
    """Return FLOP/s by operations per byte of each kernel, with a panel per dtype, and the measured roofline."""
    timed = [row for row in report.rows if row.get("seconds") and row["contestant"] == "ours"]
    points = [_kernel_point(row) for row in timed if row["flops_per_second"]]  # log axes have no zero
    if not points or not report.roofline:
        return None
    dtypes = sorted({point["dtype"] for point in points})
    intensities = [point["intensity"] for point in points]
    roofs = [roof for dtype in dtypes for roof in _roof(dtype, report.roofline, intensities)]
    log, legend = alt.Scale(type="log"), alt.Legend(orient="right", columns=1)
    axis = alt.Axis(format="~g", tickCount=5, grid=False)
    base = alt.Chart().encode(
        x=alt.X("intensity:Q", title="operations per byte", scale=log, axis=axis),
        y=alt.Y("rate:Q", title="GFLOP/s", scale=log, axis=alt.Axis(format="~g", tickCount=5)),
    )
    line = base.transform_filter("datum.kernel === 'roof'").mark_line(color="var(--muted)", strokeDash=[3, 3])
    share = alt.Tooltip("share:Q", title="of the roofline", format=".0%")
    dots = base.transform_filter("datum.kernel !== 'roof'").mark_point(filled=True, size=60).encode(
        color=alt.Color("kernel:N", scale=COLORS, title=None, legend=legend),
        shape=alt.Shape("pass:N", title=None, legend=legend),
        tooltip=["kernel:N", "case:N", "contestant:N", "pass:N", alt.Tooltip("ms:Q", format=".3~g"), share],
    )  # fmt: skip
    body = alt.layer(line, dots, data=named("points")).properties(width=380, height=280)
    body = body.facet(alt.Facet("dtype:N"), columns=2)
    note = (
        f"Rate of the minimum work of each kernel, {report.device}. Dashed: the measured limits of the device. "
        "Points above them had their data in a cache."
    )
    rows = {"points": [*roofs, *points]}
    return Chart(f"kernels-{number}", "Kernels under the roofline", note, specification(body), rows, wide=True)


def _kernel_point(row: dict[str, Any]) -> dict[str, Any]:
    names = {name: row[name] for name in ("kernel", "case", "contestant", "pass")}
    share = row["floor_seconds"] / row["seconds"]
    rates = {"rate": row["flops_per_second"] / 1e9, "intensity": row["flops_per_second"] / row["bytes_per_second"]}
    return names | rates | {"dtype": row["dtype"].removeprefix("torch."), "share": share, "ms": 1e3 * row["seconds"]}


def _roof(dtype: str, roofline: dict[str, Any], intensities: list[float]) -> Iterator[dict[str, Any]]:
    peak = roofline["flops_per_second"][f"torch.{dtype}"] / 1e9
    copied = roofline["bytes_per_second"] / 1e9
    ridge = peak / copied
    for at in sorted({min(intensities) / 2, ridge, max(*intensities, ridge) * 2}):
        yield {"kernel": "roof", "dtype": dtype, "intensity": at, "rate": min(peak, copied * at)}
