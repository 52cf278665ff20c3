"""Charts of a task: learning curves with bands over seeds, and scores by slice."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from statistics import fmean

from ...harness.records.record import CurvePoint, Record
from ..charts.lines import LineChart, Series, line_chart
from ..formats import ScoreFormat
from ..table.columns import ColumnView
from .site import Site

AXES = {"step": "optimizer steps", "samples": "training samples", "seconds": "training seconds"}
MOST_POINTS = 40


@dataclass(frozen=True)
class ChoiceOfCharts:
    """Charts of the same lines, one per x axis; the first is shown until another is chosen."""

    id: str
    title: str
    note: str
    charts: tuple[LineChart, ...]


def learning_curves(id: str, records: Sequence[Record], column: ColumnView, site: Site) -> ChoiceOfCharts | None:
    """Return the validation score of each variant at its chosen learning rate: the mean over seeds, and their range."""
    colors = {record.cell.variant: site.color_of(record.cell.model) for record in records}
    drawn = []
    for axis, title in AXES.items():
        curves = mean_curves(records, axis, column.format, MOST_POINTS)
        series = [Series(name, colors[name], points) for name, points in curves.items()]
        drawn.append(line_chart(axis, title, f"validation {column.format.label}", series, _label))
    charts = tuple(chart for chart in drawn if chart)
    note = "Mean over seeds at the chosen learning rate; the band is the range over seeds."
    return ChoiceOfCharts(id, "Learning curves", note, charts) if charts else None


Point = tuple[float, float, float, float]
"""x, the mean over seeds, and the smallest and largest value."""


def mean_curves(records: Sequence[Record], axis: str, write: ScoreFormat, most: int) -> dict[str, list[Point]]:
    """Return the validation scores of each variant in displayed units, with at most about `most` points."""
    own = _by_variant([record for record in records if record.chosen and record.chosen.curve])
    curves = {name: list(_mean_curve(runs, axis, write, most)) for name, runs in own.items()}
    return {name: points for name, points in curves.items() if points}


def _by_variant(records: Sequence[Record]) -> dict[str, list[Record]]:
    found: dict[str, list[Record]] = {}
    for record in records:
        found.setdefault(record.cell.variant, []).append(record)
    return found


def _mean_curve(runs: Sequence[Record], axis: str, write: ScoreFormat, most: int) -> Iterator[Point]:
    """Yield x, the mean, and the range over the seeds that are still training."""
    by_step: dict[int, list[CurvePoint]] = {}
    for run in runs:
        for point in run.chosen.curve if run.chosen else []:
            if point.valid is not None:
                by_step.setdefault(point.step, []).append(point)
    steps = sorted(by_step)
    stride = -(-len(steps) // most)
    for step in [*steps[:-1:stride], *steps[-1:]] if steps else []:
        values = [write.scale * point.valid for point in by_step[step] if point.valid is not None]
        yield fmean(getattr(point, axis) for point in by_step[step]), fmean(values), min(values), max(values)


def slice_charts(id: str, records: Sequence[Record], column: ColumnView, site: Site) -> Iterator[ChoiceOfCharts]:
    """Yield the scores of each variant by group of test rows, one chart per kind of group."""
    scored = [record for record in records if record.status == "ok" and column.name in record.scores]
    names = dict.fromkeys(name for record in scored for name in record.scores[column.name].slices)
    for number, name in enumerate(names):
        groups = sorted({g for r in scored for g in r.scores[column.name].slices.get(name, {})}, key=_group_order)
        if not 1 < len(groups) <= 24:
            continue
        series = [
            Series(variant, site.color_of(runs[0].cell.model), list(_by_group(runs, column, name, groups)))
            for variant, runs in _by_variant(scored).items()
        ]
        chart = line_chart(name, name, column.format.label, series, _label, groups)
        if chart:
            note = "Mean over seeds of the test rows of each group; the band is the range over seeds."
            yield ChoiceOfCharts(f"{id}-{number}", f"Score by {name}", note, (chart,))


def _by_group(runs: Sequence[Record], column: ColumnView, name: str, groups: Sequence[str]) -> Iterator[Point]:
    for place, group in enumerate(groups):
        found = [run.scores[column.name].slices.get(name, {}).get(group) for run in runs]
        values = [column.format.scale * value for value in found if value is not None]
        if values:
            yield place, fmean(values), min(values), max(values)


def _group_order(group: str) -> tuple[bool, float, str]:
    """Sort numbers by value, before other names."""
    try:
        return False, float(group), group
    except ValueError:
        return True, 0.0, group


def _label(value: float) -> str:
    return f"{value:.4g}"
