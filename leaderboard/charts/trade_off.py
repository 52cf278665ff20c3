"""Quality against training time: each curve is one run with a cyclic learning rate."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import altair as alt

from ...harness.records.record import Record
from ..table.rows import group_by
from .drawing import Chart, by_family, specification
from .labels import PlotArea, label_curves, labels, panels

AREA = PlotArea(220, 170, x="seconds", y="valid")


def trade_off_chart(
    id: str, records: Sequence[Record], families: Mapping[str, str], colors: Mapping[str, str]
) -> Chart | None:
    """Return the curves of a section: a panel per task, a line per run, a point at the end of each cycle."""
    found = [point for record in records for point in _curve(record, families)]
    curves = [list(group_by(own, "run").values()) for own in group_by(found, "panel").values()]
    points = [point for panel in curves for point in label_curves(panel, AREA)]
    if not points:
        return None
    x, y = AREA.scales()
    base = alt.Chart().encode(
        x=alt.X("seconds:Q", title=None, scale=x, axis=alt.Axis(tickCount=4, format="~g", grid=False)),
        y=alt.Y("valid:Q", title=None, scale=y, axis=alt.Axis(tickCount=4)),
        color=by_family((point["family"] for point in points), colors),
        detail="run:N",
    )
    shown = ["variant:N", "seed:N", alt.Tooltip("valid:Q", format=".4~g"), alt.Tooltip("seconds:Q", format=".3~s")]
    lines = base.mark_line(point=alt.OverlayMarkDef(size=28), strokeWidth=1.5).encode(tooltip=shown)
    names, facet, spacing = labels(base, x=alt.value(AREA.width)), alt.Facet("panel:N"), {"row": 62, "column": 130}
    body = panels(AREA, lines, names, facet=facet, columns=3, bounds="flush", spacing=spacing)
    title = "Quality against training time"
    return Chart(id, title, _note(records), specification(body), {"points": points}, wide=True)


def _note(records: Sequence[Record]) -> str:
    curves = [record.trade_off for record in records if record.trade_off]
    floors = [curve.noise_floor for curve in curves if curve.noise_floor is not None]
    noise = f" Differences within {100 * max(floors):.2g} points are noise." if floors else ""
    return (
        "Validation score by seconds. Each line is one run with a cyclic learning rate, and each point estimates "
        f"the score of a separate run of that length (Portes et al. 2022).{noise}"
    )


def _curve(record: Record, families: Mapping[str, str]) -> Iterator[dict[str, Any]]:
    """Yield the ends of the cycles of a run. Fractions, which have a noise floor, are in percent."""
    if record.trade_off is None:
        return
    cell, is_fraction = record.cell, record.trade_off.noise_floor is not None
    panel = f"{cell.task}, {record.trade_off.metric.replace('_', ' ')}" + (", %" if is_fraction else "")
    names = {"run": record.key[:12], "variant": cell.variant, "seed": cell.seed, "family": families[cell.model]}
    for point in record.trade_off.points:
        if point.valid is not None:
            valid = (100 if is_fraction else 1) * point.valid
            yield {"panel": panel, "seconds": point.seconds, "valid": valid} | names
