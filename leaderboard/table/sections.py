"""Sections of the leaderboard: one table of scores per tier, recipe, device, protocol and sizing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import groupby

import numpy as np

from ...harness.records.cards import ModelCard, ReferenceCard
from ..links import Links
from ..read.results import Results
from .columns import CellView, ColumnView, column_view
from .comparing import Place, compares, place_of
from .costs import CostTable, cost_table, size_range
from .ranks import mean_ranks
from .rows import SECTION, Row, group_by
from .statistics import Comparisons, Standing
from .tidy import OTHER

TIERS = ("full", "standard", "quick", "smoke")
MAY_BE_FIRST = (Standing.BEST, Standing.LEADING, Standing.TIED, Standing.UNDECIDED)
"""Standings of rows that were not shown to be behind the best."""

FAMILIES = 8
"""Number of families with their own color; later families are gray."""


@dataclass(frozen=True)
class RowView:
    """One variant.

    Attributes
    ----------
    lifts
        Each lift with the tasks that use it.
    ahead
        Number of columns in which it may be first: best, tied with the best, or not shown to be behind it.
    parameters
        Range of the number of body parameters over its cells; empty if unknown.
    ok, total
        Number of finished cells, and of cells that were run.
    """

    variant: str
    model: ModelCard
    page: str
    family: str
    color: str
    cells: tuple[CellView, ...]
    lifts: tuple[tuple[str, tuple[str, ...]], ...]
    ahead: int
    parameters: str
    ok: int
    total: int


@dataclass(frozen=True)
class PublishedView:
    """A published value in one column."""

    text: str
    citation: str
    protocol: str
    caveat: str


@dataclass(frozen=True)
class SectionView:
    """All cells of one tier, recipe, device, protocol and sizing; `unfinished` are those that failed or were skipped.

    Reference scores are by kind and published values by variant, each with a tuple per column.
    """

    id: str
    tier: str
    recipe: str
    device: str
    protocol: str
    sizing: str
    seeds: tuple[int, ...]
    dates: str
    columns: tuple[ColumnView, ...]
    rows: tuple[RowView, ...]
    references: Mapping[str, Sequence[tuple[ReferenceCard, ...]]]
    published: Mapping[str, Sequence[tuple[PublishedView, ...]]]
    costs: CostTable
    unfinished: tuple[Row, ...]
    ok: int
    total: int

    @property
    def groups(self) -> list[tuple[str, int]]:
        """Return the suites above the columns, each with its number of columns."""
        return [(group, len(list(columns))) for group, columns in groupby(self.columns, lambda column: column.group)]

    @property
    def compares(self) -> bool:
        """Return whether rows are compared, by marks, ranks and ties."""
        return compares(self.tier, self.sizing)

    @property
    def has_ties(self) -> bool:
        """Return whether rows are compared and some have several seeds."""
        return self.compares and len(self.seeds) > 1

    @property
    def is_line(self) -> bool:
        """Return whether it has only one cell, so that a line says all."""
        return len(self.rows) == 1 and self.scored == 1

    @cached_property
    def main(self) -> SectionView:
        """Return the section with one column per set of evaluations, without columns that tell nothing."""
        return self._with(self._main_columns)

    @cached_property
    def companions(self) -> SectionView:
        """Return the section with further views of the main columns only."""
        return self._with([i for i in self._informative if i not in self._main_columns])

    @cached_property
    def folded(self) -> SectionView:
        """Return the section with the columns in which no row beats the reference score only."""
        return self._with([i for i in range(len(self.columns)) if i not in self._informative])

    @cached_property
    def _informative(self) -> list[int]:
        """Return the columns that tell something, or all if none does."""
        found = [i for i, column in enumerate(self.columns) if column.is_informative]
        return found or list(range(len(self.columns)))

    @cached_property
    def _main_columns(self) -> list[int]:
        """Return the informative columns, without companions of columns that are shown."""
        shown = {self.columns[i].name for i in self._informative}
        return [i for i in self._informative if self.columns[i].evaluation.companion_of not in shown]

    def _with(self, indices: Sequence[int]) -> SectionView:
        """Return the section with some of its columns."""

        def chosen(values: Sequence) -> tuple:
            return tuple(values[i] for i in indices)

        references = {kind: chosen(cells) for kind, cells in self.references.items()}
        published = {variant: chosen(cells) for variant, cells in self.published.items()}
        return replace(
            self,
            columns=chosen(self.columns),
            rows=tuple(replace(row, cells=chosen(row.cells)) for row in self.rows),
            references={kind: cells for kind, cells in references.items() if any(cells)},
            published={variant: cells for variant, cells in published.items() if any(cells)},
        )

    @property
    def scored(self) -> int:
        """Return the number of columns without averages."""
        return sum(not column.is_average for column in self.columns)

    @property
    def first_columns(self) -> dict[int, ColumnView]:
        return first_columns(self.columns)


def first_columns(columns: Sequence[ColumnView]) -> dict[int, ColumnView]:
    """Return the first column of each task by its index, without averages."""
    scores = [(index, column) for index, column in enumerate(columns) if not column.is_average]
    firsts = {column.task.task: (index, column) for index, column in reversed(scores)}
    return dict(sorted(firsts.values(), key=lambda first: first[0]))


def sections(
    table: Iterable[Row], results: Results, links: Links, comparisons: Mapping[Place, Comparisons]
) -> list[SectionView]:
    """Return the sections: those that compare rows first, then those with most cells."""
    by_kind = {kind: rows for (kind,), rows in group_by(table, "kind").items()}
    scores = by_kind.get("score", []) + by_kind.get("average", [])
    published = by_kind.get("published", [])
    colors = family_colors(row["family"] for row in scores)
    groups = sorted(group_by(scores, *SECTION).values(), key=_place)
    return [
        _section(f"section-{i}", part, published, results, links, colors, comparisons)
        for i, part in enumerate(groups, 1)
    ]


def family_colors(families: Iterable[str]) -> dict[str, str]:
    """Return the style class of each family."""
    names = sorted(set(families))
    return {family: f"family-{i}" if i < FAMILIES else "family-other" for i, family in enumerate(names)}


def _place(part: Sequence[Row]) -> tuple[bool, int, int, int]:
    tier, protocol, sizing = (part[0][name] for name in ("tier", "protocol", "sizing"))
    rank = TIERS.index(tier) if tier in TIERS else len(TIERS)
    cells = len({row["key"] for row in part if row["kind"] == "score"})
    return not compares(tier, sizing), -cells, rank, -int(protocol) if protocol.isdecimal() else 0


def _section(
    id: str,
    part: Sequence[Row],
    published: Sequence[Row],
    results: Results,
    links: Links,
    colors: Mapping[str, str],
    comparisons: Mapping[Place, Comparisons],
) -> SectionView:
    cells = list({row["key"]: row for row in part if row["kind"] == "score"}.values())
    by_column = sorted(group_by(part, "task", "column").values(), key=_column_place)
    is_compared = compares(part[0]["tier"], part[0]["sizing"])
    columns = tuple(
        column_view(rows, results, links, comparisons.get(place_of(rows[0])), compares=is_compared)
        for rows in by_column
    )
    rows = [_row(own, columns, results, links, colors) for own in group_by(cells, "variant").values()]
    return SectionView(
        id=id,
        **{name: part[0][name] for name in SECTION},
        seeds=tuple(sorted({row["seed"] for row in cells})),
        dates=_dates(cells),
        columns=columns,
        rows=tuple(_ordered(rows, columns) if is_compared else sorted(rows, key=lambda row: (row.family, row.variant))),
        references=_references(columns),
        published=_published(columns, published),
        costs=cost_table(cells),
        unfinished=tuple(row for row in cells if row["status"] != "ok"),
        ok=sum(row.ok for row in rows),
        total=sum(row.total for row in rows),
    )


def _column_place(rows: Sequence[Row]) -> tuple:
    """Return the sort key of a column: averages, then suites, then tasks without a suite."""
    first = rows[0]
    return first["kind"] != "average", first["suite"] == OTHER, first["suite"], first["task"]


def _row(
    own: Sequence[Row],
    columns: Sequence[ColumnView],
    results: Results,
    links: Links,
    colors: Mapping[str, str],
) -> RowView:
    """Return the row of one variant; `own` are its cells."""
    variant, model, family = (own[0][name] for name in ("variant", "model", "family"))
    lifts = group_by([row for row in own if row["lift"]], "lift")
    cells = tuple(column.cells.get(variant, CellView()) for column in columns)
    standings = [cell.standing for cell, column in zip(cells, columns, strict=True) if not column.is_average]
    return RowView(
        variant=variant,
        model=results.model(model),
        page=links.models.get(model, ""),
        family=family,
        color=colors[family],
        cells=cells,
        lifts=tuple((lift, tuple(dict.fromkeys(row["task"] for row in rows))) for (lift,), rows in lifts.items()),
        parameters=size_range(own),
        ahead=sum(standing in MAY_BE_FIRST for standing in standings),
        ok=sum(row["status"] == "ok" for row in own),
        total=len({(row["task"], row["seed"]) for row in own}),
    )


def _ordered(rows: Sequence[RowView], columns: Sequence[ColumnView]) -> list[RowView]:
    """Return the rows by mean rank over the first columns of tasks; rows with few of them come last."""
    values = [[(ranked(row.cells[i]), column.sign) for i, column in first_columns(columns).items()] for row in rows]
    scores = np.array([[np.nan if value is None else sign * value for value, sign in row] for row in values])
    ranks = mean_ranks(scores)
    scored = (~np.isnan(scores)).sum(1)
    has_few = 2 * scored < scored.max(initial=0)
    order = sorted(range(len(rows)), key=lambda i: (has_few[i], ranks[i], rows[i].family, rows[i].variant))
    return [rows[i] for i in order]


def ranked(cell: CellView) -> float | None:
    """Return the mean with which a cell enters ranks, or None if it has none or is stale."""
    return None if cell.stale else cell.value


def _references(columns: Sequence[ColumnView]) -> dict[str, list[tuple[ReferenceCard, ...]]]:
    kinds = ("chance", "baseline", "ceiling")
    found = {kind: [tuple(column.references(kind)) for column in columns] for kind in kinds}
    return {kind: cells for kind, cells in found.items() if any(cells)}


def _published(columns: Sequence[ColumnView], published: Sequence[Row]) -> dict[str, list[tuple[PublishedView, ...]]]:
    found = {
        variant: [tuple(_quoted(row, column) for row in own if row["column"] == column.name) for column in columns]
        for (variant,), own in group_by(published, "variant").items()
    }
    return {variant: cells for variant, cells in found.items() if any(cells)}


def _quoted(row: Row, column: ColumnView) -> PublishedView:
    reduced = "Published for the full-size task; this column is reduced." if column.task.reduced else ""
    caveat = " ".join(filter(None, (row["caveat"], reduced)))
    return PublishedView(column.format(row["value"]), row["citation"], row["reason"] or "", caveat)


def _dates(cells: Iterable[Row]) -> str:
    days = sorted({row["started"][:10] for row in cells} - {""})
    return " to ".join(dict.fromkeys(days[:1] + days[-1:]))
