"""Quality against training time, each curve from one run with a cyclic learning rate."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import altair as alt

from ...harness.records.record import Record
from ..rows import group_by
from .drawing import Chart, by_family, named, specification
from .labels import Panel, at_the_edge, names

PANEL = Panel(220, 170, x="seconds", y="valid")


def trade_off_chart(
    id: str, records: Sequence[Record], families: Mapping[str, str], colours: Mapping[str, str]
) -> Chart | None:
    """Return the curves of a section: a panel a task, a line a run, a point the end of a cycle.

    Parameters
    ----------
    families
        By model.
    """
    found = [point for record in records for point in _curve(record, families)]
    panels = [group_by(own, "run").values() for own in group_by(found, "panel").values()]
    points = [point for curves in panels for point in at_the_edge(list(curves), PANEL)]
    if not points:
        return None
    x, y = PANEL.scales()
    base = alt.Chart().encode(
        x=alt.X("seconds:Q", title=None, scale=x, axis=alt.Axis(tickCount=4, format="~g", grid=False)),
        y=alt.Y("valid:Q", title=None, scale=y, axis=alt.Axis(tickCount=4)),
        color=by_family((point["family"] for point in points), colours),
        detail="run:N",
    )
    shown = ["variant:N", "seed:N", alt.Tooltip("valid:Q", format=".4~g"), alt.Tooltip("seconds:Q", format=".3~s")]
    lines = base.mark_line(point=alt.OverlayMarkDef(size=28), strokeWidth=1.5).encode(tooltip=shown)
    body = alt.layer(lines, names(base, x=alt.value(PANEL.width)), data=named("points"))
    body = body.properties(width=PANEL.width, height=PANEL.height)
    body = body.facet(alt.Facet("panel:N"), columns=3, bounds="flush", spacing={"row": 62, "column": 130})
    body = body.resolve_scale(x="independent", y="independent")
    return Chart(
        id, "Quality against training time", _note(records), specification(body), {"points": points}, wide=True
    )


def _note(records: Sequence[Record]) -> str:
    curves = [record.trade_off for record in records if record.trade_off]
    floors = [curve.noise_floor for curve in curves if curve.noise_floor is not None]
    stated = f" Orders within {100 * max(floors):.2g} points are not to be trusted." if floors else ""
    return (
        "Validation score by seconds, from one run a line with a cyclic learning rate: each point stands for a run of "
        f"that length (Portes et al. 2022).{stated}"
    )


def _curve(record: Record, families: Mapping[str, str]) -> Iterator[dict[str, Any]]:
    """Yield the ends of a run's cycles; fractions, which are those with a noise floor, in per cent."""
    if record.trade_off is None:
        return
    cell, is_fraction = record.cell, record.trade_off.noise_floor is not None
    panel = f"{cell.task}, {record.trade_off.metric.replace('_', ' ')}" + (", %" if is_fraction else "")
    names = {"run": record.key[:12], "variant": cell.variant, "seed": cell.seed, "family": families[cell.model]}
    for point in record.trade_off.points:
        if point.valid is not None:
            valid = (100 if is_fraction else 1) * point.valid
            yield {"panel": panel, "seconds": point.seconds, "valid": valid} | names
