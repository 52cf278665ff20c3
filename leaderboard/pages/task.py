"""The page of a task: sample rows, the ranking in each of its columns, learning curves, slices and multiplicity."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from ...harness.contract.metrics import better
from ...harness.records.cards import TaskCard
from ..table.columns import CellView, ColumnView
from ..table.multiplicity import TaskMultiplicity, task_multiplicity
from ..table.sections import PublishedView, RowView, SectionView
from .forest import Forest, forest
from .samples import SampleView, sample_views
from .site import Site
from .task_charts import ChoiceOfCharts, learning_curves, slice_charts


@dataclass(frozen=True)
class Place:
    """One variant in one column; `id` is its anchor on the page, `gap` its distance to the best mean."""

    id: str
    row: RowView
    cell: CellView
    gap: str


@dataclass(frozen=True)
class ColumnStandings:
    """One column of one section, best first if the section compares rows; `charts` only for the task's first column."""

    section: SectionView
    column: ColumnView
    places: tuple[Place, ...]
    published: Mapping[str, Sequence[PublishedView]]
    forest: Forest | None
    charts: tuple[ChoiceOfCharts, ...]


@dataclass(frozen=True)
class TaskView:
    """One task at all its tiers; `multiplicity` is that of its first column in each section."""

    name: str
    cards: tuple[TaskCard, ...]
    samples: tuple[SectionView, tuple[SampleView, ...]] | None
    standings: tuple[ColumnStandings, ...]
    multiplicity: tuple[tuple[SectionView, ColumnView, TaskMultiplicity], ...]


def task_view(task: str, site: Site) -> TaskView:
    """Return the contents of the page of one task."""
    found = [
        _standings(section, index, site)
        for section in site.sections
        for index, column in enumerate(section.columns)
        if column.task.task == task and not column.is_average
    ]
    cards = {(entry.column.task.task, entry.column.task.tier): entry.column.task for entry in found}
    return TaskView(
        task, tuple(cards.values()), sample_views(task, site), tuple(found), tuple(_multiplicity(task, site))
    )


def _multiplicity(task: str, site: Site) -> Iterator[tuple[SectionView, ColumnView, TaskMultiplicity]]:
    for section in site.sections:
        for column in section.first_columns.values():
            if column.task.task == task and section.compares:
                found = task_multiplicity(site.records_of(section, task), column.name, column.task, site.results)
                if found:
                    yield section, column, found


def _standings(section: SectionView, index: int, site: Site) -> ColumnStandings:
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
    charts = tuple(_charts(section, column, site, is_first=is_first))
    return ColumnStandings(section, column, places, published, forest(column, [place.cell for place in places]), charts)


def _charts(section: SectionView, column: ColumnView, site: Site, *, is_first: bool) -> Iterator[ChoiceOfCharts]:
    records = site.records_of(section, column.task.task)
    if is_first and (curves := learning_curves(f"{section.id}-curves", records, column, site)):
        yield curves
    yield from slice_charts(f"{section.id}-{column.name}-slices", records, column, site)


def _gap(cell: CellView, best: float | None, column: ColumnView) -> str:
    if cell.value is None or best is None or not better(column.evaluation.direction, best, cell.value):
        return ""
    return column.format.signed(cell.value - best)
