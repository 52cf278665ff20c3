"""The page of two models: the difference in each column over shared seeds."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from ..table.columns import CellView, ColumnView
from ..table.sections import RowView, SectionView
from ..table.statistics import Verdict, difference
from .site import Site

WORDS = {
    Verdict.BETTER: "better",
    Verdict.WORSE: "worse",
    Verdict.TIED: "tied",
    Verdict.UNKNOWN: "unknown: too few seeds",
}


@dataclass(frozen=True)
class ColumnDifference:
    """One column: the cells of both models, and the first minus the second."""

    column: ColumnView
    one: CellView
    other: CellView
    difference: str
    half_width: str
    verdict: str


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
        return [(word, verdicts.count(word)) for word in WORDS.values() if word in verdicts]


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
    first, second = one.cells[index], other.cells[index]
    found = difference(_scores(first), _scores(second))
    if found is None:
        return ColumnDifference(column, first, second, "", "", "")
    half = column.format(found.half_width) if found.half_width is not None else ""
    verdict = WORDS[_verdict(column, one, other)] if column.comparisons else ""
    return ColumnDifference(column, first, second, column.format.signed(found.mean), half, verdict)


def _scores(cell: CellView) -> dict[int, float]:
    return {seed.seed: seed.value for seed in cell.seeds if seed.value is not None}


def _verdict(column: ColumnView, one: RowView, other: RowView) -> Verdict:
    names = column.comparisons.names if column.comparisons else ()
    if column.comparisons is None or one.variant not in names or other.variant not in names:
        return Verdict.UNKNOWN
    return column.comparisons.verdicts(names.index(other.variant))[names.index(one.variant)]


def _costs(section: SectionView, one: RowView, other: RowView) -> Iterator[tuple[str, str, str]]:
    rows = {row.variant: row.values for row in section.costs.rows}
    if one.variant in rows and other.variant in rows:
        yield from zip(section.costs.names, rows[one.variant], rows[other.variant], strict=True)
