"""The page of a task: the standings in each of its columns, its learning curves and its multiplicity."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from ...harness.contract.metrics import better
from ...harness.records.cards import TaskCard
from ..charts.drawing import Chart
from ..charts.learning import learning_chart
from ..table.columns import CellView, ColumnView
from ..table.multiplicity import TaskMultiplicity, task_multiplicity
from ..table.sections import PublishedView, RowView, SectionView
from .site import Site


@dataclass(frozen=True)
class Place:
    """One variant in one column; `id` is its anchor on the page, `gap` its distance to the best mean."""

    id: str
    row: RowView
    cell: CellView
    gap: str


@dataclass(frozen=True)
class ColumnStandings:
    """One column of one section, best first if the section compares rows."""

    section: SectionView
    column: ColumnView
    places: tuple[Place, ...]
    published: Mapping[str, Sequence[PublishedView]]


@dataclass(frozen=True)
class TaskView:
    """One task at all its tiers; `multiplicity` is that of its first column in each section."""

    name: str
    cards: tuple[TaskCard, ...]
    standings: tuple[ColumnStandings, ...]
    multiplicity: tuple[tuple[SectionView, ColumnView, TaskMultiplicity], ...]


def task_view(task: str, site: Site) -> TaskView:
    """Return the contents of the page of one task."""
    found = [
        _standings(section, index)
        for section in site.sections
        for index, column in enumerate(section.columns)
        if column.task.task == task and not column.is_average
    ]
    cards = {(entry.column.task.task, entry.column.task.tier): entry.column.task for entry in found}
    return TaskView(task, tuple(cards.values()), tuple(found), tuple(_multiplicity(task, site)))


def _first_columns(task: str, site: Site) -> Iterator[tuple[SectionView, ColumnView]]:
    for section in site.sections:
        yield from ((section, column) for column in section.first_columns.values() if column.task.task == task)


def _multiplicity(task: str, site: Site) -> Iterator[tuple[SectionView, ColumnView, TaskMultiplicity]]:
    for section, column in _first_columns(task, site):
        found = task_multiplicity(site.records_of(section, task), column.name, column.task, site.results)
        if found and section.compares:
            yield section, column, found


def _standings(section: SectionView, index: int) -> ColumnStandings:
    column = section.columns[index]
    entries = [(number, row, row.cells[index]) for number, row in enumerate(section.rows)]
    scored = [entry for entry in entries if entry[2].value is not None]
    if section.compares:
        scored.sort(key=lambda entry: -column.sign * (entry[2].value or 0.0))
    unscored = [entry for entry in entries if entry[2].value is None and entry[2].seeds]
    best = scored[0][2].value if scored and section.compares else None
    is_first = index in section.first_columns
    places = tuple(
        Place(f"{section.id}-{number}" if is_first else "", row, cell, _gap(cell, best, column))
        for number, row, cell in [*scored, *unscored]
    )
    published = {variant: cells[index] for variant, cells in section.published.items() if cells[index]}
    return ColumnStandings(section, column, places, published)


def _gap(cell: CellView, best: float | None, column: ColumnView) -> str:
    if cell.value is None or best is None or not better(column.evaluation.direction, best, cell.value):
        return ""
    return column.format.signed(cell.value - best)


def task_charts(task: str, site: Site) -> Iterator[Chart]:
    """Yield the learning curves of a task, one chart per section."""
    for section, column in _first_columns(task, site):
        own = site.records_of(section, task)
        place = f"{section.tier} tier, {section.recipe} recipe, protocol {section.protocol}"
        chart = learning_chart(f"{section.id}-curves", place, own, site.families, site.colors, column.format)
        if chart:
            yield chart
