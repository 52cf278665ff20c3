"""Speed from ``archarena bench``: time against sequence length, and kernels under their roofline."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import altair as alt

from ..benches import Bench
from .drawing import Chart, named

DIRECTIONS = ("forward", "backward")


def speed_charts(benches: tuple[Bench, ...]) -> Iterator[Chart]:
    """Yield the charts that the reports allow."""
    for number, bench in enumerate(benches, 1):
        chart = {"lengths": _lengths, "kernels": _rooflines}.get(bench.what)
        drawn = chart(f"{bench.what}-{number}", bench) if chart else None
        if drawn:
            yield drawn


def _lengths(id: str, bench: Bench) -> Chart | None:
    """Return time by length, a panel a direction, with the exponent fitted to the longest lengths in the legend."""
    points = [point for row in bench.rows for point in _length_points(row)]
    if not points:
        return None
    x = alt.X(
        "length:Q",
        title="sequence length",
        scale=alt.Scale(type="log", base=2),
        axis=alt.Axis(format="~s", tickCount=6, grid=False),
    )
    y = alt.Y("ms:Q", title="milliseconds", scale=alt.Scale(type="log"), axis=alt.Axis(format="~s", tickCount=5))
    colours = alt.Scale(range=[f"var(--family-{i})" for i in range(8)])
    colour = alt.Color("model:N", scale=colours, title=None)
    base = alt.Chart().encode(x=x, y=y, color=colour)
    shown = [
        "model:N",
        alt.Tooltip("length:Q", format=","),
        alt.Tooltip("ms:Q", format=".3~g"),
        alt.Tooltip("exponent:Q", format=".2f"),
    ]
    dots = base.mark_line(point=alt.OverlayMarkDef(size=22), strokeWidth=1.5).encode(tooltip=shown)
    names = base.transform_filter("datum.text !== ''").mark_text(align="left", dx=6, limit=150).encode(text="text:N")
    body = alt.layer(dots, names, data=named("points")).properties(width=380, height=280)
    body = body.facet(alt.Facet("direction:N", sort=list(DIRECTIONS)), columns=2)
    fitted = "The number after a name is the exponent fitted to its longest lengths: 1 is linear, 2 quadratic."
    note = f"One block over one sequence, {bench.device}. {fitted}"
    return Chart(id, "Time against sequence length", note, body, {"points": points}, wide=True)


def _length_points(row: dict[str, Any]) -> Iterator[dict[str, Any]]:
    points = row.get("points", [])
    for point in points:
        for direction in DIRECTIONS:
            exponent = row.get(f"{direction}_exponent")
            text = f"{row['model']} {exponent:.2f}" if point is points[-1] and exponent is not None else ""
            names = {"model": row["model"], "direction": direction, "exponent": exponent, "text": text}
            yield names | {"length": point["length"], "ms": 1e3 * point[direction]}


def _rooflines(id: str, bench: Bench) -> Chart | None:
    """Return reached FLOP/s by operations a byte of each kernel, a panel a dtype, under the measured ceilings."""
    points = [_kernel_point(row) for row in bench.rows if row.get("seconds") and row["contestant"] == "ours"]
    if not points or not bench.roofline:
        return None
    dtypes = sorted({point["dtype"] for point in points})
    roofs = [roof for dtype in dtypes for roof in _roof(dtype, bench.roofline, [p["intensity"] for p in points])]
    x = alt.X(
        "intensity:Q",
        title="operations a byte",
        scale=alt.Scale(type="log"),
        axis=alt.Axis(format="~s", tickCount=5, grid=False),
    )
    y = alt.Y("rate:Q", title="GFLOP/s", scale=alt.Scale(type="log"), axis=alt.Axis(format="~s", tickCount=5))
    base = alt.Chart().encode(x=x, y=y)
    line = base.transform_filter("datum.kernel === 'roof'").mark_line(color="var(--muted)", strokeDash=[3, 3])
    dots = base.transform_filter("datum.kernel !== 'roof'").mark_point(filled=True, size=60)
    legend = alt.Legend(orient="right", columns=1)
    shape = alt.Shape("pass:N", title=None, legend=legend)
    colours = alt.Scale(range=[f"var(--family-{i})" for i in range(8)])
    share = alt.Tooltip("share:Q", title="of the roofline", format=".0%")
    dots = dots.encode(
        color=alt.Color("kernel:N", scale=colours, title=None, legend=legend), shape=shape,
        tooltip=["kernel:N", "case:N", "contestant:N", "pass:N", alt.Tooltip("ms:Q", format=".3~g"), share],
    )  # fmt: skip
    body = alt.layer(line, dots, data=named("points")).properties(width=380, height=280)
    body = body.facet(alt.Facet("dtype:N"), columns=2)
    note = f"The rate at which each kernel's least work was done, {bench.device}. Dashed: its measured ceilings."
    return Chart(id, "Kernels under the roofline", note, body, {"points": [*roofs, *points]}, wide=True)


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
