"""Validation score during training, by samples or by seconds, of all variants on one task."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import altair as alt

from ...harness.records import Record
from .drawing import Chart, by_family, named

AXES = ("samples", "seconds")
MOST_LINES = 40
"""More cannot be told from each other; first seeds come first."""


def learning_chart(
    id: str, records: Sequence[Record], families: Mapping[str, str], colours: Mapping[str, str], label: str
) -> Chart | None:
    """Return the curves of the learning rates that were kept: a line a run, coloured by family.

    Parameters
    ----------
    records
        Runs of one task in one section.
    families
        By model.
    """
    points = [
        point
        for record in sorted(records, key=lambda record: record.cell.seed)[:MOST_LINES]
        for point in _points(record, families)
    ]
    if not points:
        return None
    chosen = alt.param(name="axis", value=AXES[0], bind=alt.binding_radio(options=list(AXES), name="by "))
    base = alt.Chart(named("points")).transform_filter("datum.axis === axis").encode(
        x=alt.X("at:Q", title="training samples", axis=alt.Axis(format="~s", grid=False)),
        y=alt.Y("valid:Q", title=f"validation {label}", scale=alt.Scale(zero=False), axis=alt.Axis(tickCount=5)),
        detail="run:N",
        color=by_family(points, colours),
    )  # fmt: skip
    lines = base.mark_line(strokeWidth=1.5, opacity=0.85).encode(
        tooltip=["variant:N", "seed:N", alt.Tooltip("valid:Q", format=".4~g"), alt.Tooltip("at:Q", format=".3~s")]
    )
    ends = base.transform_filter("datum.last").mark_text(align="left", dx=5, limit=120).encode(text="label:N")
    note = "The learning rate that was kept, a line a run. Seconds are optimiser steps alone, on one device."
    body = (lines + ends).properties(width=560, height=260).add_params(chosen)
    return Chart(id, "Learning curves", note, body, {"points": points}, wide=True)


def _points(record: Record, families: Mapping[str, str]) -> Iterator[dict[str, Any]]:
    kept = [attempt for attempt in record.tries if attempt.learning_rate == record.learning_rate]
    curve = [point for point in kept[-1].curve if point.valid is not None] if kept else []
    cell = record.cell
    for point in curve:
        last = point is curve[-1]
        shown = {"valid": point.valid, "last": last, "label": cell.variant if last and cell.seed == 0 else ""}
        names = {"run": record.key[:12], "variant": cell.variant, "seed": cell.seed, "family": families[cell.model]}
        for axis in AXES:
            yield {"axis": axis, "at": getattr(point, axis)} | shown | names
