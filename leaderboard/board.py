"""The tables of scores, worked out from the tidy table: one section a (tier, recipe, device, protocol)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

import numpy as np
import pandas as pd

from .columns import Cells, column_cells
from .costs import cost_table
from .formats import ScoreFormat
from .links import Links
from .ranks import mean_ranks
from .rows import Row, group_by
from .sources import OTHER, EvaluationCard, Sources, TaskCard
from .table import SECTION, rows_of
from .views import CellView, ColumnView, LevelRow, PublishedRow, PublishedView, RowView, SectionView

TIERS = ("full", "standard", "quick", "smoke")
AVERAGES = "averages"
"""The group of columns that are averages over others."""
FAMILIES = 8
"""Families with a colour of their own; later ones are grey."""


def sections(table: pd.DataFrame, sources: Sources, links: Links) -> list[SectionView]:
    """Return a section for each (tier, recipe, device, protocol): large tiers, new protocols, then many cells first."""
    rows = rows_of(table)
    scores = [row for row in rows if row["kind"] in ("score", "average")]
    published = [row for row in rows if row["kind"] == "published"]
    colours = family_colours(row["family"] for row in scores)
    groups = sorted(group_by(scores, *SECTION).values(), key=_place)
    return [
        _section(f"section-{index}", part, published, sources, links, colours) for index, part in enumerate(groups, 1)
    ]


def family_colours(families: Iterable[str]) -> dict[str, str]:
    """Return the style class of each family, the same on every page of a site."""
    names = sorted(set(families))
    return {family: f"family-{i}" if i < FAMILIES else "family-other" for i, family in enumerate(names)}


def _place(part: Sequence[Row]) -> tuple[int, int, int]:
    tier, protocol = part[0]["tier"], part[0]["protocol"]
    rank = TIERS.index(tier) if tier in TIERS else len(TIERS)
    return rank, -int(protocol) if protocol.isdecimal() else 0, -len(part)


def _section(
    id: str, part: Sequence[Row], published: Sequence[Row], sources: Sources, links: Links, colours: Mapping[str, str]
) -> SectionView:
    runs = [row for row in part if row["kind"] == "score"]
    cells = list({row["key"]: row for row in runs}.values())
    by_column = group_by(part, "task", "column")
    made = [column_cells(by_column[column.task.task, column.name], column) for column in _columns(part, sources, links)]
    columns = tuple(replace(found.column, comparisons=found.comparisons) for found in made)
    expected = len({(row["task"], row["seed"]) for row in cells})
    rows = [_row(own, made, expected, sources, links, colours) for own in group_by(cells, "variant").values()]
    return SectionView(
        id=id,
        **{name: part[0][name] for name in SECTION},
        seeds=tuple(sorted({row["seed"] for row in cells})),
        dates=_dates(cells),
        columns=columns,
        rows=tuple(_ordered(rows, columns)),
        levels=tuple(_level_rows(columns)),
        published=tuple(_published_rows(columns, published)),
        costs=cost_table(cells),
        unfinished=tuple(row for row in cells if row["status"] != "ok"),
        ok=sum(row.ok for row in rows),
        total=sum(row.total for row in rows),
    )


def _row(
    own: Sequence[Row],
    columns: Sequence[Cells],
    expected: int,
    sources: Sources,
    links: Links,
    colours: Mapping[str, str],
) -> RowView:
    """Return one variant's line; `own` holds its runs."""
    variant, model, family = (own[0][name] for name in ("variant", "model", "family"))
    lifts = group_by([row for row in own if row["lift"]], "lift")
    cells = tuple(column.by_variant.get(variant, CellView()) for column in columns)
    places = [cell.standing for cell, column in zip(cells, columns, strict=True) if not column.column.is_average]
    return RowView(
        variant=variant,
        model=sources.model(model),
        page=links.models.get(model, ""),
        family=family,
        colour=colours[family],
        cells=cells,
        lifts=tuple((lift, tuple(dict.fromkeys(row["task"] for row in rows))) for (lift,), rows in lifts.items()),
        ahead=sum(place in ("best", "leading", "tied") for place in places),
        ok=sum(row["status"] == "ok" for row in own),
        total=expected,
    )


def _ordered(rows: Sequence[RowView], columns: Sequence[ColumnView]) -> list[RowView]:
    """Return the rows by their mean rank over tasks, each counted once by its first column."""
    signs = {"higher": 1.0, "lower": -1.0}
    firsts = {column.task.task: i for i, column in reversed(list(enumerate(columns))) if not column.is_average}
    scores = np.array([[_signed(row.cells[i], signs[columns[i].evaluation.direction]) for row in rows]
                       for i in firsts.values()])  # fmt: skip
    ranks = mean_ranks(scores.T)
    order = sorted(range(len(rows)), key=lambda i: (ranks[i], rows[i].family, rows[i].variant))
    return [rows[i] for i in order]


def _signed(cell: CellView, sign: float) -> float:
    return np.nan if cell.value is None else sign * cell.value


def _columns(part: Sequence[Row], sources: Sources, links: Links) -> list[ColumnView]:
    firsts = [rows[0] for rows in group_by(part, "task", "column").values()]
    firsts.sort(key=lambda row: (row["kind"] != "average", row["suite"] == OTHER, row["suite"], row["task"]))
    return [_average(row) if row["kind"] == "average" else _column(row, sources, links) for row in firsts]


def _column(row: Row, sources: Sources, links: Links) -> ColumnView:
    task = sources.tasks.get((row["task"], row["tier"]))
    task = task or TaskCard(task=row["task"], tier=row["tier"], reduced=row["reduced"])
    evaluation = task.evaluation(row["column"])
    evaluation = evaluation or EvaluationCard(column=row["column"], metric=row["metric"], direction=row["direction"])
    write = ScoreFormat(evaluation.metric, evaluation.unit)
    return ColumnView(row["column"], row["suite"], task, evaluation, write, links.tasks.get(row["task"], ""))


def _average(row: Row) -> ColumnView:
    """Return the column of an average, which has no task of its own."""
    name, metric = row["column"], row["metric"]
    task = TaskCard(task=name, tier=row["tier"], reduced=row["reduced"])
    declared = {"direction": "higher", "unit": row["unit"], "summary": row["source"]}
    evaluation = EvaluationCard(column=name, metric=metric, **declared)
    return ColumnView(name, AVERAGES, task, evaluation, ScoreFormat(metric, row["unit"]), "")


def _level_rows(columns: Sequence[ColumnView]) -> Iterator[LevelRow]:
    """Yield one line for chance, one for all baselines and one for the ceiling."""
    for kind in ("chance", "baseline", "ceiling"):
        cells = tuple(tuple(column.levels(kind)) for column in columns)
        if any(cells):
            yield LevelRow(kind, cells)


def _published_rows(columns: Sequence[ColumnView], published: Sequence[Row]) -> Iterator[PublishedRow]:
    """Yield one line a variant that a paper has a value of in one of the columns."""
    for (variant,), own in group_by(published, "variant").items():
        cells = tuple(tuple(_published(row, column) for row in own if row["column"] == column.name)
                      for column in columns)  # fmt: skip
        if any(cells):
            yield PublishedRow(variant, cells)


def _published(row: Row, column: ColumnView) -> PublishedView:
    smaller = "Of the published size; this column is reduced." if column.task.reduced else ""
    caveat = " ".join(filter(None, (row["caveat"], smaller)))
    return PublishedView(column.format(row["value"]), row["source"], row["reason"] or "", caveat)


def _dates(cells: Iterable[Row]) -> str:
    days = sorted({row["started"][:10] for row in cells} - {""})
    return " to ".join(dict.fromkeys(days[:1] + days[-1:]))
