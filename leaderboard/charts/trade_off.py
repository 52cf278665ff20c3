"""Quality against training time, each curve from one run with a cyclic learning rate."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import altair as alt

from ...harness.records import Record
from .drawing import Chart, by_family, named


def trade_off_chart(
    id: str, records: Sequence[Record], families: Mapping[str, str], colours: Mapping[str, str]
) -> Chart | None:
    """Return the curves of a section: a panel a task, a line a run, a point the end of a cycle.

    Parameters
    ----------
    families
        By model.
    """
    points = [point for record in records for point in _points(record, families)]
    if not points:
        return None
    scale = alt.Scale(type="log", nice=False, padding=14)
    base = alt.Chart().encode(
        x=alt.X("seconds:Q", title=None, scale=scale, axis=alt.Axis(tickCount=4, format="~s", grid=False)),
        y=alt.Y("valid:Q", title=None, scale=alt.Scale(zero=False, padding=10), axis=alt.Axis(tickCount=4)),
        color=by_family(points, colours),
        detail="run:N",
    )
    shown = ["variant:N", "seed:N", alt.Tooltip("valid:Q", format=".4~g"), alt.Tooltip("seconds:Q", format=".3~s")]
    lines = base.mark_line(point=alt.OverlayMarkDef(size=28), strokeWidth=1.5).encode(tooltip=shown)
    names = base.transform_filter("datum.label !== ''").mark_text(align="left", dx=6, limit=110).encode(text="label:N")
    body = alt.layer(lines, names, data=named("points")).properties(width=190, height=150)
    body = body.facet(alt.Facet("panel:N"), columns=5, bounds="flush", spacing={"row": 62, "column": 80})
    body = body.resolve_scale(x="independent", y="independent")
    return Chart(id, "Quality against training time", _note(records), body, {"points": points}, wide=True)


def _note(records: Sequence[Record]) -> str:
    curves = [record.trade_off for record in records if record.trade_off]
    floors = [curve.noise_floor for curve in curves if curve.noise_floor is not None]
    stated = f" Orders within {100 * max(floors):.2g} points are not to be trusted." if floors else ""
    return (
        "Validation score by seconds, from one run a line with a cyclic learning rate: each point stands for a run of "
        f"that length (Portes et al. 2022).{stated}"
    )


def _points(record: Record, families: Mapping[str, str]) -> Iterator[dict[str, Any]]:
    curve = [point for point in record.trade_off.points if point.valid is not None] if record.trade_off else []
    cell = record.cell
    for point in curve:
        metric = record.trade_off.metric.replace("_", " ") if record.trade_off else ""
        names = {"run": record.key[:12], "variant": cell.variant, "seed": cell.seed, "family": families[cell.model]}
        label = cell.variant if point is curve[-1] and cell.seed == 0 else ""
        yield names | {
            "panel": f"{cell.task}, {metric}",
            "seconds": point.seconds,
            "valid": point.valid,
            "label": label,
        }
