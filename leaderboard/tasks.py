"""What a task's page shows: the standings of each of its columns, by section."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from .near_equals import NearEquals, near_equals
from .site import Site
from .sources import TaskCard
from .statistics import is_better
from .views import CellView, ColumnView, PublishedRow, RowView, SectionView


@dataclass(frozen=True)
class Place:
    """One variant in one column; `id` is its address on the page."""

    id: str
    row: RowView
    cell: CellView
    gap: str


@dataclass(frozen=True)
class ColumnStandings:
    """One column of one section, best first."""

    section: SectionView
    column: ColumnView
    places: tuple[Place, ...]
    published: tuple[PublishedRow, ...]


@dataclass(frozen=True)
class TaskView:
    """One task at all tiers at which it was run."""

    name: str
    cards: tuple[TaskCard, ...]
    standings: tuple[ColumnStandings, ...]
    near_equals: tuple[tuple[SectionView, ColumnView, NearEquals], ...]


def task_view(task: str, site: Site) -> TaskView:
    """Return what the page of one task shows."""
    found = [
        _standings(section, index)
        for section in site.sections
        for index, column in enumerate(section.columns)
        if column.task.task == task and not column.is_average
    ]
    cards = {(found.column.task.task, found.column.task.tier): found.column.task for found in found}
    return TaskView(task, tuple(cards.values()), tuple(found), tuple(_near_equals(found, site)))


def _near_equals(found: Sequence[ColumnStandings], site: Site) -> Iterator[tuple[SectionView, ColumnView, NearEquals]]:
    """Yield the near-equals of each section by its first column."""
    firsts = {entry.section.id: entry for entry in reversed(found)}
    for entry in reversed(firsts.values()):
        records = site.records_of(entry.section, entry.column.task.task)
        made = near_equals(records, entry.column.name, entry.column.task, site.sources)
        if made:
            yield entry.section, entry.column, made


def _standings(section: SectionView, index: int) -> ColumnStandings:
    column = section.columns[index]
    first = next(i for i, other in enumerate(section.columns) if other.task.task == column.task.task)
    numbered = list(enumerate(section.rows))
    sign = -1 if column.evaluation.direction == "higher" else 1
    scored = sorted((entry for entry in numbered if entry[1].cells[index].value is not None),
                    key=lambda entry: sign * (entry[1].cells[index].value or 0.0))  # fmt: skip
    rest = [entry for entry in numbered if entry[1].cells[index].value is None and entry[1].cells[index].seeds]
    best = scored[0][1].cells[index].value if scored else None
    places = []
    for number, row in [*scored, *rest]:
        cell = row.cells[index]
        address = f"{section.id}-{number}" if index == first else ""
        places.append(Place(address, row, cell, _gap(cell, best, column)))
    published = tuple(PublishedRow(row.variant, (row.cells[index],)) for row in section.published if row.cells[index])
    return ColumnStandings(section, column, tuple(places), published)


def _gap(cell: CellView, best: float | None, column: ColumnView) -> str:
    """Return how far a mean lies behind the best one."""
    if cell.value is None or best is None or not is_better(best, cell.value, column.evaluation.direction):
        return ""
    return column.format.signed(cell.value - best)
