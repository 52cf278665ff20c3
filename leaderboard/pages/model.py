"""The page of a model: its profile over tasks, the outline of its module, its cost by length, and its card."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import median

from ...harness.records.cards import ModelCard
from ...harness.records.record import LayerInfo
from ..charts.lines import LineChart, Series, line_chart
from ..formats import duration
from ..table.columns import CellView, ColumnView
from ..table.scales import column_scale
from ..table.sections import RowView, SectionView
from .site import Site

WIDTH, HEIGHT, MARGIN = 340, 24, 8
NOTABLE = 0.05
"""Normalized difference to the median model from which a column counts as strong or weak."""
MOST_NAMED = 3


@dataclass(frozen=True)
class ProfileLine:
    """One column: places in pixels of this model and of the others, from the reference score to the ceiling.

    Attributes
    ----------
    delta
        Normalized difference to the median of all models, positive if better; None without a scale.
    """

    column: ColumnView
    cell: CellView
    middle: float | None
    start: float
    end: float
    others: tuple[float, ...]
    delta: float | None
    difference: str


@dataclass(frozen=True)
class Profile:
    """One variant in one section."""

    section: SectionView
    row: RowView
    lines: tuple[ProfileLine, ...]
    width: int = WIDTH
    height: int = HEIGHT
    margin: int = MARGIN

    @property
    def strong(self) -> list[ProfileLine]:
        return self._notable(1)

    @property
    def weak(self) -> list[ProfileLine]:
        return self._notable(-1)

    def _notable(self, sign: int) -> list[ProfileLine]:
        known = [line for line in self.lines if line.delta is not None and sign * line.delta > NOTABLE]
        return sorted(known, key=lambda line: -sign * (line.delta or 0.0))[:MOST_NAMED]


@dataclass(frozen=True)
class LayerView:
    """A layer of the block diagram, with its share of the parameters and the layers inside it."""

    info: LayerInfo
    share: float
    inner: tuple[LayerView, ...]


@dataclass(frozen=True)
class ModelView:
    """The contents of a model's page."""

    card: ModelCard
    lifts: dict[str, list[str]]
    profiles: tuple[Profile, ...]
    layers: tuple[LayerView, ...]
    outlined: str
    speed: tuple[LineChart, ...]
    speed_note: str


def model_view(model: str, site: Site) -> ModelView:
    """Return the contents of the page of one model."""
    found = site.rows_of_model(model)
    profiles = tuple(_profile(section, row) for section, rows in found for row in rows)
    layers, outlined = _layers(model, site)
    speed, note = _speed(model, site)
    return ModelView(site.results.model(model), _lifts(found), profiles, layers, outlined, speed, note)


def _lifts(found: Sequence[tuple[SectionView, Sequence[RowView]]]) -> dict[str, list[str]]:
    """Return the tasks of each lift over all sections."""
    lifts: dict[str, list[str]] = {}
    for lift, tasks in (lift for _, rows in found for row in rows for lift in row.lifts):
        lifts[lift] = sorted({*lifts.get(lift, []), *tasks})
    return lifts


def _profile(section: SectionView, row: RowView) -> Profile:
    return Profile(section, row, tuple(_lines(section, row)))


def _lines(section: SectionView, row: RowView) -> Iterator[ProfileLine]:
    for index, column in enumerate(section.columns):
        cell = row.cells[index]
        if not cell.seeds:
            continue
        scale = column_scale(column) if section.compares else None
        if scale is None or cell.value is None:
            yield ProfileLine(column, cell, None, 0.0, 0.0, (), None, "")
            continue
        values = [own.cells[index].value for own in section.rows]
        known = [value for value in values if value is not None]
        others = [own.cells[index].value for own in section.rows if own.variant != row.variant]
        spread = cell.spread or 0.0
        ends = sorted((_place(scale(cell.value - spread)), _place(scale(cell.value + spread))))
        middle = median(known)
        yield ProfileLine(
            column,
            cell,
            _place(scale(cell.value)),
            ends[0],
            ends[1],
            tuple(_place(scale(value)) for value in others if value is not None),
            scale(cell.value) - scale(middle) if len(known) > 1 else None,
            column.format.signed(cell.value - middle) if len(known) > 1 else "",
        )


def _place(share: float) -> float:
    return round(MARGIN + (WIDTH - 2 * MARGIN) * min(1.0, max(0.0, share)), 1)


def _layers(model: str, site: Site) -> tuple[tuple[LayerView, ...], str]:
    """Return the layers of the largest outlined run of a model with default hyperparameters, and its description."""
    runs = [record for record in site.records if record.cell.model == model and record.outline]
    if not runs:
        return (), ""
    run = max(runs, key=lambda one: (not one.cell.hyperparameters, one.size.total_parameters if one.size else 0))
    total = sum(layer.parameters * layer.repeat for layer in run.outline if layer.depth == 0) or 1
    size = f", width {run.size.width}, depth {run.size.depth}" if run.size else ""
    return tuple(_nested(run.outline, total, 1)), f"on {run.cell.task}, {run.cell.tier} tier{size}"


def _nested(layers: Sequence[LayerInfo], total: int, times: int) -> Iterator[LayerView]:
    """Yield the outermost layers, each with those inside it."""
    if not layers:
        return
    top = min(layer.depth for layer in layers)
    starts = [index for index, layer in enumerate(layers) if layer.depth == top]
    for first, end in pairwise([*starts, len(layers)]):
        own = layers[first]
        count = times * own.repeat
        yield LayerView(own, own.parameters * count / total, tuple(_nested(layers[first + 1 : end], total, count)))


def _speed(model: str, site: Site) -> tuple[tuple[LineChart, ...], str]:
    """Return forward and backward time by sequence length from bench reports, with the other models in gray."""
    charts = []
    note = ""
    for report in site.results.bench_reports:
        if report.bench != "lengths" or not any(row["model"] == model for row in report.rows):
            continue
        note = f"One block on one sequence, {report.device}; both axes are logarithmic. Other models in gray."
        for direction in ("forward", "backward"):
            ordered = sorted(report.rows, key=lambda row: row["model"] == model)
            series = [
                Series(
                    row["model"],
                    site.color_of(model) if row["model"] == model else "faint",
                    [(at["length"], at[direction], at[direction], at[direction]) for at in row.get("points", [])],
                )
                for row in ordered
            ]
            chart = line_chart(direction, "sequence length", f"{direction}", series, duration, log=True)
            charts += [chart] if chart else []
    return tuple(charts), note
