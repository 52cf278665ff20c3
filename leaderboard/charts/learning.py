"""Learning curves of all variants on one task: validation score by samples or by seconds."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from typing import Any

import altair as alt

from ...harness.records.record import Record
from ..formats import ScoreFormat
from .drawing import QUANTITY_LABELS, Chart, by_family, named, specification
from .labels import PlotArea, label_curves, labels

AXES = ("samples", "seconds")
MOST_LINES = 40
"""Maximum number of curves; low seeds come first."""
AREA = PlotArea(560, 260, x="at", y="valid", log_x=False)


def learning_chart(
    id: str,
    place: str,
    records: Sequence[Record],
    families: Mapping[str, str],
    colors: Mapping[str, str],
    write: ScoreFormat,
) -> Chart | None:
    """Return the learning curves of one task in one section: a line per run at its chosen rate, colored by family.

    `place` describes the section in the title; `write` formats the validation scores.
    """
    drawn = sorted(records, key=lambda record: record.cell.seed)[:MOST_LINES]
    curves = {axis: [list(_curve(record, axis, families, write.scale)) for record in drawn] for axis in AXES}
    points = [{"axis": axis} | point for axis in AXES for point in label_curves(curves[axis], AREA)]
    if not points:
        return None
    shown = frozenset((point["family"], colors.get(point["family"], "")) for point in points)
    note = "One line per run, at its chosen learning rate, by training samples. Explore offers training seconds."
    spec = _spec(f"validation {write.label}", shown)
    return Chart(id, f"Learning curves, {place}", note, spec, {"points": points}, wide=True, first={"axis": AXES[0]})


@cache
def _spec(title: str, colors: frozenset[tuple[str, str]]) -> dict[str, Any]:
    """Return the specification. It is cached because a site has many such charts and few different ones."""
    chosen = alt.param(name="axis", value=AXES[0], bind=alt.binding_radio(options=list(AXES), name="by "))
    x, y = AREA.scales()
    base = alt.Chart(named("points")).transform_filter("datum.axis === axis").encode(
        x=alt.X("at:Q", title=None, scale=x, axis=alt.Axis(tickCount=6, grid=False, **QUANTITY_LABELS)),
        y=alt.Y("valid:Q", title=title, scale=y, axis=alt.Axis(tickCount=5)),
        detail="run:N",
        color=by_family((family for family, _ in colors), dict(colors)),
    )  # fmt: skip
    lines = base.mark_line(strokeWidth=1.5, opacity=0.85).encode(
        tooltip=["variant:N", "seed:N", alt.Tooltip("valid:Q", format=".4~g"), alt.Tooltip("at:Q", format=".3~s")]
    )
    body = alt.layer(lines, labels(base, x=alt.value(AREA.width)))
    return specification(body.properties(width=AREA.width, height=AREA.height).add_params(chosen))


def _curve(record: Record, axis: str, families: Mapping[str, str], scale: int) -> Iterator[dict[str, Any]]:
    cell = record.cell
    for point in record.chosen.curve if record.chosen else []:
        if point.valid is not None:
            names = {"run": record.key[:12], "variant": cell.variant, "seed": cell.seed, "family": families[cell.model]}
            yield names | {"at": getattr(point, axis), "valid": scale * point.valid}
