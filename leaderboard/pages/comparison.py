"""The page of two models: the difference in each column over test rows and seeds."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from ..table.columns import CellView, ColumnView
from ..table.comparing import VERDICTS
from ..table.sections import RowView, SectionView
from .site import Site


@dataclass(frozen=True)
class ColumnDifference:
    """One column: the cells of both models, the first minus the second, and what would decide an open verdict."""

    column: ColumnView
    one: CellView
    other: CellView
    difference: str
    half_width: str
    verdict: str
    detail: str


@dataclass(frozen=True)
class SectionComparison:
    """Two variants in one section; `costs` are name, first value and second value."""

    section: SectionView
    one: RowView
    other: RowView
    columns: tuple[ColumnDifference, ...]
    costs: tuple[tuple[str, str, str], ...]

    @property
    def tally(self) -> list[tuple[str, int]]:
        """Return the number of columns per verdict, without averages."""
        verdicts = [found.verdict for found in self.columns if not found.column.is_average and found.verdict]
        return [(word, verdicts.count(word)) for word in VERDICTS.values() if word in verdicts]


def comparisons(one: str, other: str, site: Site) -> Iterator[SectionComparison]:
    """Yield the comparisons of two models in all sections that contain both."""
    others = {section.id: rows for section, rows in site.rows_of_model(other)}
    for section, rows in site.rows_of_model(one):
        if section.id in others:
            first, second = _default_variant(rows), _default_variant(others[section.id])
            columns = [_difference(column, i, first, second) for i, column in enumerate(section.columns)]
            yield SectionComparison(section, first, second, tuple(columns), tuple(_costs(section, first, second)))


def _default_variant(rows: list[RowView]) -> RowView:
    """Return the variant with default hyperparameters, or the first one."""
    return next((row for row in rows if row.variant == row.model.name), rows[0])


def _difference(column: ColumnView, index: int, one: RowView, other: RowView) -> ColumnDifference:
    first, second, compared = one.cells[index], other.cells[index], column.comparisons
    if compared is None or not {one.variant, other.variant} <= set(compared.names):
        known = first.value is not None and second.value is not None
        gap = column.format.signed((first.value or 0.0) - (second.value or 0.0)) if known else ""
        return ColumnDifference(column, first, second, gap, "", "", "")
    found = compared.difference(one.variant, other.variant)
    half = column.format(found.half_width) if found.half_width is not None else ""
    gap = column.format.signed(found.mean)
    return ColumnDifference(column, first, second, gap, half, VERDICTS[found.verdict], found.text)


def _costs(section: SectionView, one: RowView, other: RowView) -> Iterator[tuple[str, str, str]]:
    rows = {row.variant: row.values for row in section.costs.rows}
    if one.variant in rows and other.variant in rows:
        yield from zip(section.costs.names, rows[one.variant], rows[other.variant], strict=True)
