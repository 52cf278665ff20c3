"""What the page of two models shows: each column with the difference over shared seeds."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from .site import Site
from .statistics import Verdict, difference
from .views import CellView, ColumnView, RowView, SectionView

WORDS = {
    Verdict.BETTER: "ahead",
    Verdict.WORSE: "behind",
    Verdict.ALIKE: "cannot be told apart",
    Verdict.UNKNOWN: "too few seeds to tell",
}


@dataclass(frozen=True)
class Line:
    """One column: the first model's cell, the second's, and the first less the second."""

    column: ColumnView
    one: CellView
    other: CellView
    difference: str
    half_width: str
    verdict: str


@dataclass(frozen=True)
class Part:
    """Two variants in one section."""

    section: SectionView
    one: RowView
    other: RowView
    lines: tuple[Line, ...]
    costs: tuple[tuple[str, str, str], ...]

    @property
    def tally(self) -> list[tuple[str, int]]:
        """Return how often each verdict was reached, not counting averages."""
        verdicts = [line.verdict for line in self.lines if not line.column.is_average and line.verdict]
        return [(word, verdicts.count(word)) for word in WORDS.values() if word in verdicts]


@dataclass(frozen=True)
class ComparisonView:
    """Two models wherever both were run."""

    one: str
    other: str
    parts: tuple[Part, ...]


def comparison_view(one: str, other: str, site: Site) -> ComparisonView:
    """Return what the page of two models shows."""
    return ComparisonView(one, other, tuple(_parts(one, other, site)))


def _parts(one: str, other: str, site: Site) -> Iterator[Part]:
    others = {section.id: rows for section, rows in site.rows_of_model(other)}
    for section, rows in site.rows_of_model(one):
        if section.id in others:
            first, second = _plainest(rows), _plainest(others[section.id])
            lines = [_line(column, i, first, second) for i, column in enumerate(section.columns)]
            yield Part(section, first, second, tuple(lines), tuple(_costs(section, first, second)))


def _plainest(rows: list[RowView]) -> RowView:
    """Return the variant with default hyperparameters, or the one that is shown first."""
    return next((row for row in rows if row.variant == row.model.name), rows[0])


def _line(column: ColumnView, index: int, one: RowView, other: RowView) -> Line:
    first, second = one.cells[index], other.cells[index]
    found = difference(_scores(first), _scores(second))
    if found is None:
        return Line(column, first, second, "", "", "")
    half = column.format(found.half_width) if found.half_width is not None else ""
    return Line(column, first, second, column.format.signed(found.mean), half, WORDS[_verdict(column, one, other)])


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
