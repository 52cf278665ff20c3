"""Speed from ``archarena bench``: time against sequence length, kernels under their roofline, and contests."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import altair as alt

from ..benches import Bench
from .contests import contest_chart, peers_chart
from .drawing import COLOURS, Chart, named, specification
from .labels import Panel, at_the_edge, names

DIRECTIONS = ("forward", "backward")
LENGTHS = Panel(360, 300, x="length", y="ms", log_y=True)
FONT_ROOM = 30
"""Pixels right of the names, for a font that is wider than the one they were measured with."""


def speed_charts(benches: tuple[Bench, ...]) -> Iterator[Chart]:
    """Yield the charts that the reports allow."""
    kinds = {
        "kernels": (_rooflines, peers_chart),
        "lengths": (_lengths,),
        "filters": (_filters,),
        "step": (contest_chart,),
        "epoch": (contest_chart,),
    }
    for number, bench in enumerate(benches, 1):
        for chart in kinds.get(bench.what, ()):
            drawn = chart(number, bench)
            if drawn:
                yield drawn


def _lengths(number: int, bench: Bench) -> Chart | None:
    """Return time by length of each model's block, with the exponent fitted to the longest lengths beside each name."""
    fitted = "The number after a name is the exponent fitted to its longest lengths: 1 is linear, 2 quadratic."
    note = f"One block over one sequence, {bench.device}. {fitted}"
    panels = [[_length_curve(row, direction) for row in bench.rows] for direction in DIRECTIONS]
    return _by_length(f"lengths-{number}", "Time against sequence length", note, panels)


def _filters(number: int, bench: Bench) -> Chart | None:
    """Return time by length of TCNCA's filter and of the forms of MEGA's, and what the published figures compare."""
    filters = list(bench.rows[0]["forward"]) if bench.rows else []
    panels = [[_filter_curve(bench, name, direction) for name in filters] for direction in DIRECTIONS]
    said = " ".join(_beside_published(bench, direction) for direction in DIRECTIONS if direction in bench.published)
    note = f"TCNCA's filter and MEGA's in three forms, {bench.device}. {said}".strip()
    return _by_length(f"filters-{number}", "Filters against sequence length", note, panels)


def _filter_curve(bench: Bench, name: str, direction: str) -> list[dict[str, Any]]:
    shown = {"model": name, "direction": direction, "exponent": None, "variant": name, "seed": 0}
    return [shown | {"length": row["length"], "ms": 1e3 * row[direction][name]} for row in bench.rows]


def _beside_published(bench: Bench, direction: str) -> str:
    best = max(bench.rows, key=lambda row: row[f"{direction}_by_tcnca"]["official"])
    official, recurrence = (best[f"{direction}_by_tcnca"][form] for form in ("official", "recurrence"))
    return (
        f"{direction.capitalize()}, the published comparison is with the official form, which takes up to "
        f"{bench.published[direction]:g} times as long as tcnca: here up to {official:.3g} times, at length "
        f"{best['length']:,}, where the plain recurrence takes {recurrence:.2g} times as long."
    )


def _by_length(id: str, title: str, note: str, panels: list[list[list[dict[str, Any]]]]) -> Chart | None:
    """Return curves of time by length, a panel a direction, each named where it ends."""
    points = [point for curves in panels for point in at_the_edge(curves, LENGTHS)]
    if not points:
        return None
    x, y = LENGTHS.scales()
    x["base"] = 2
    base = alt.Chart().encode(
        x=alt.X("length:Q", title="sequence length", scale=x, axis=alt.Axis(format=",", tickCount=6, grid=False)),
        y=alt.Y("ms:Q", title="milliseconds", scale=y, axis=alt.Axis(format="~s", tickCount=5)),
        color=alt.Color("model:N", scale=COLOURS, title=None),
    )
    shown = ["model:N", alt.Tooltip("length:Q", format=","), alt.Tooltip("ms:Q", format=".3~g")]
    dots = base.mark_line(point=alt.OverlayMarkDef(size=22), strokeWidth=1.5).encode(
        tooltip=[*shown, alt.Tooltip("exponent:Q", format=".2f")]
    )
    body = alt.layer(dots, names(base, x=alt.value(LENGTHS.width)), data=named("points"))
    body = body.properties(width=LENGTHS.width, height=LENGTHS.height)
    facet = alt.Facet("direction:N", sort=list(DIRECTIONS))
    body = body.facet(facet, columns=2, spacing={"column": 150}).resolve_scale(x="independent", y="independent")
    body = body.properties(padding={"left": 5, "top": 5, "bottom": 5, "right": FONT_ROOM})
    return Chart(id, title, note, specification(body), {"points": points}, wide=True)


def _length_curve(row: dict[str, Any], direction: str) -> list[dict[str, Any]]:
    exponent = row.get(f"{direction}_exponent")
    variant = row["model"] if exponent is None else f"{row['model']} {exponent:.2f}"
    names = {"model": row["model"], "direction": direction, "exponent": exponent, "variant": variant, "seed": 0}
    return [names | {"length": at["length"], "ms": 1e3 * at[direction]} for at in row.get("points", [])]


def _rooflines(number: int, bench: Bench) -> Chart | None:
    """Return reached FLOP/s by operations a byte of each kernel, a panel a dtype, under the measured ceilings."""
    timed = [row for row in bench.rows if row.get("seconds") and row["contestant"] == "ours"]
    points = [_kernel_point(row) for row in timed if row["flops_per_second"]]  # a look-up has no place on log axes
    if not points or not bench.roofline:
        return None
    dtypes = sorted({point["dtype"] for point in points})
    roofs = [roof for dtype in dtypes for roof in _roof(dtype, bench.roofline, [p["intensity"] for p in points])]
    x = alt.X(
        "intensity:Q",
        title="operations a byte",
        scale=alt.Scale(type="log"),
        axis=alt.Axis(format="~g", tickCount=5, grid=False),
    )
    y = alt.Y("rate:Q", title="GFLOP/s", scale=alt.Scale(type="log"), axis=alt.Axis(format="~g", tickCount=5))
    base = alt.Chart().encode(x=x, y=y)
    line = base.transform_filter("datum.kernel === 'roof'").mark_line(color="var(--muted)", strokeDash=[3, 3])
    dots = base.transform_filter("datum.kernel !== 'roof'").mark_point(filled=True, size=60)
    legend = alt.Legend(orient="right", columns=1)
    shape = alt.Shape("pass:N", title=None, legend=legend)
    share = alt.Tooltip("share:Q", title="of the roofline", format=".0%")
    dots = dots.encode(
        color=alt.Color("kernel:N", scale=COLOURS, title=None, legend=legend), shape=shape,
        tooltip=["kernel:N", "case:N", "contestant:N", "pass:N", alt.Tooltip("ms:Q", format=".3~g"), share],
    )  # fmt: skip
    body = alt.layer(line, dots, data=named("points")).properties(width=380, height=280)
    body = body.facet(alt.Facet("dtype:N"), columns=2)
    note = f"The rate at which each kernel's least work was done, {bench.device}. Dashed: its measured ceilings; "
    note += "above them, a cache held the data."
    return Chart(
        f"kernels-{number}",
        "Kernels under the roofline",
        note,
        specification(body),
        {"points": [*roofs, *points]},
        wide=True,
    )


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
