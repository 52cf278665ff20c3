"""Validation score during training, by samples or by seconds, of all variants on one task."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from typing import Any

import altair as alt

from ...harness.records.record import Record
from ..formats import ScoreFormat
from .drawing import QUANTITY_LABELS, Chart, by_family, named, specification
from .labels import Panel, at_the_edge, names

AXES = ("samples", "seconds")
MOST_LINES = 40
"""More cannot be told from each other; first seeds come first."""
PANEL = Panel(560, 260, x="at", y="valid", log_x=False)


def learning_chart(
    id: str,
    place: str,
    records: Sequence[Record],
    families: Mapping[str, str],
    colours: Mapping[str, str],
    write: ScoreFormat,
) -> Chart | None:
    """Return the curves of the learning rates that were kept: a line a run, coloured by family.

    Parameters
    ----------
    place
        Which section it is of, for the title.
    records
        Runs of one task in one section.
    families
        By model.
    write
        How the validation score is written.
    """
    drawn = sorted(records, key=lambda record: record.cell.seed)[:MOST_LINES]
    curves = {axis: [list(_curve(record, axis, families, write.scale)) for record in drawn] for axis in AXES}
    points = [{"axis": axis} | point for axis in AXES for point in at_the_edge(curves[axis], PANEL)]
    if not points:
        return None
    shown = frozenset((point["family"], colours.get(point["family"], "")) for point in points)
    note = "The learning rate that was kept, a line a run, by training samples; Explore offers seconds of its steps."
    spec = _spec(f"validation {write.label}", shown)
    return Chart(id, f"Learning curves, {place}", note, spec, {"points": points}, wide=True, first={"axis": AXES[0]})


@cache
def _spec(title: str, colours: frozenset[tuple[str, str]]) -> dict[str, Any]:
    """Return what is drawn; kept, since a site has a hundred such charts and few kinds."""
    chosen = alt.param(name="axis", value=AXES[0], bind=alt.binding_radio(options=list(AXES), name="by "))
    x, y = PANEL.scales()
    base = alt.Chart(named("points")).transform_filter("datum.axis === axis").encode(
        x=alt.X("at:Q", title=None, scale=x, axis=alt.Axis(tickCount=6, grid=False, **QUANTITY_LABELS)),
        y=alt.Y("valid:Q", title=title, scale=y, axis=alt.Axis(tickCount=5)),
        detail="run:N",
        color=by_family((family for family, _ in colours), dict(colours)),
    )  # fmt: skip
    lines = base.mark_line(strokeWidth=1.5, opacity=0.85).encode(
        tooltip=["variant:N", "seed:N", alt.Tooltip("valid:Q", format=".4~g"), alt.Tooltip("at:Q", format=".3~s")]
    )
    body = alt.layer(lines, names(base, x=alt.value(PANEL.width)))
    return specification(body.properties(width=PANEL.width, height=PANEL.height).add_params(chosen))


def _curve(record: Record, axis: str, families: Mapping[str, str], scale: int) -> Iterator[dict[str, Any]]:
    kept = [attempt for attempt in record.tries if attempt.learning_rate == record.learning_rate]
    cell = record.cell
    for point in kept[-1].curve if kept else []:
        if point.valid is not None:
            names = {"run": record.key[:12], "variant": cell.variant, "seed": cell.seed, "family": families[cell.model]}
            yield names | {"at": getattr(point, axis), "valid": scale * point.valid}
