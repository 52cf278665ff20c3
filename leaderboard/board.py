"""What the index page shows, worked out from the tidy table."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

import pandas as pd

from .costs import CostRow, cost_rows
from .formats import ScoreFormat
from .sources import EvaluationCard, LevelCard, ModelCard, Sources, TaskCard
from .statistics import MIN_SEEDS, Standing, estimate, is_better, standings
from .table import SECTION

FAMILIES = 8
"""Families with a colour of their own; later ones are grey."""


@dataclass(frozen=True)
class SeedView:
    """One seed of a cell, leading to its run."""

    seed: int
    status: str
    text: str
    reason: str
    page: str

    @property
    def ok(self) -> bool:
        """Return whether the seed has a score."""
        return self.status == "ok"


@dataclass(frozen=True)
class CellView:
    """One variant in one column. `mean` is empty where no seed has a score."""

    seeds: tuple[SeedView, ...] = ()
    mean: str = ""
    half_width: str = ""
    standing: str = ""
    level: str = ""
    shortfall: str = ""

    @property
    def failure(self) -> SeedView | None:
        """Return the first seed without a score."""
        return next((seed for seed in self.seeds if not seed.ok), None)


@dataclass(frozen=True)
class ColumnView:
    """One evaluation. `id` names its description on the page."""

    id: str
    name: str
    suite: str
    task: TaskCard
    evaluation: EvaluationCard
    format: ScoreFormat

    def levels(self, kind: str) -> list[LevelCard]:
        """Return the column's levels of one kind."""
        return [level for level in self.task.levels_of(self.name) if level.kind == kind]


@dataclass(frozen=True)
class RowView:
    """One variant."""

    variant: str
    model: ModelCard
    family: str
    colour: str
    cells: tuple[CellView, ...]
    ok: int
    total: int


@dataclass(frozen=True)
class LevelRow:
    """One line below the models: for each column the levels it shows."""

    name: str
    kind: str
    cells: tuple[tuple[LevelCard, ...], ...]


@dataclass(frozen=True)
class SectionView:
    """All that was run at one tier, by one recipe, on one device."""

    id: str
    tier: str
    recipe: str
    device: str
    protocol: str
    seeds: int
    dates: str
    columns: tuple[ColumnView, ...]
    rows: tuple[RowView, ...]
    levels: tuple[LevelRow, ...]
    costs: tuple[CostRow, ...]
    unfinished: tuple[dict, ...]
    ok: int
    total: int

    @property
    def suites(self) -> list[tuple[str, int]]:
        """Return the suites over the columns, each with its width."""
        return [(suite, len(list(columns))) for suite, columns in groupby(self.columns, lambda column: column.suite)]

    @property
    def has_ties(self) -> bool:
        """Return whether enough seeds were run for rows to be compared."""
        return self.seeds >= MIN_SEEDS


def sections(table: pd.DataFrame, sources: Sources) -> list[SectionView]:
    """Return a section for each (tier, recipe, device, protocol), the largest first."""
    colours = _colours(table)
    groups = sorted(table.groupby(SECTION, sort=True), key=lambda group: -len(group[1]))
    return [_section(f"section-{index}", part, sources, colours) for index, (_, part) in enumerate(groups, 1)]


def _colours(table: pd.DataFrame) -> dict[str, str]:
    families = sorted(set(table["family"]))
    return {family: f"family-{i}" if i < FAMILIES else "family-other" for i, family in enumerate(families)}


def _section(id: str, part: pd.DataFrame, sources: Sources, colours: Mapping[str, str]) -> SectionView:
    columns = _columns(id, part, sources)
    by_column = {column.name: _column_cells(part[part["column"] == column.name], column) for column in columns}
    cells = part.drop_duplicates("key")
    expected = cells.groupby("task")["seed"].nunique().sum()
    rows = []
    for (family, variant), own in cells.groupby(["family", "variant"], sort=True):
        row = tuple(by_column[column.name].get(variant, CellView()) for column in columns)
        card = sources.model(str(own["model"].iloc[0]))
        ok = int((own["status"] == "ok").sum())
        rows.append(RowView(str(variant), card, str(family), colours[str(family)], row, ok, int(expected)))
    first = part.iloc[0]
    return SectionView(
        id=id,
        **{name: first[name] for name in SECTION},
        seeds=int(part["seed"].nunique()),
        dates=_dates(cells["started"]),
        columns=tuple(columns),
        rows=tuple(rows),
        levels=tuple(_level_rows(columns)),
        costs=tuple(cost_rows(cells)),
        unfinished=tuple(cells[cells["status"] != "ok"].to_dict("records")),
        ok=sum(row.ok for row in rows),
        total=sum(row.total for row in rows),
    )


def _columns(section: str, part: pd.DataFrame, sources: Sources) -> list[ColumnView]:
    first = part.drop_duplicates("column").sort_values(["suite", "task"], kind="stable")
    return [
        ColumnView(f"{section}-column-{index}", row["column"], row["suite"], *_cards(row, sources))
        for index, (_, row) in enumerate(first.iterrows(), 1)
    ]


def _cards(row: pd.Series, sources: Sources) -> tuple[TaskCard, EvaluationCard, ScoreFormat]:
    task = sources.tasks.get((row["task"], row["tier"]))
    task = task or TaskCard(task=row["task"], tier=row["tier"], reduced=bool(row["reduced"]))
    evaluation = task.evaluation(row["column"])
    evaluation = evaluation or EvaluationCard(column=row["column"], metric=row["metric"], direction=row["direction"])
    return task, evaluation, ScoreFormat(evaluation.metric, evaluation.unit)


def _column_cells(part: pd.DataFrame, column: ColumnView) -> dict[str, CellView]:
    """Return the cells of a column by variant."""
    direction, expected = column.evaluation.direction, part["seed"].nunique()
    finished = part.groupby("variant").filter(lambda own: own["value"].notna().all())
    scores = finished.pivot(index="seed", columns="variant", values="value").astype(float)
    standing = standings(scores, direction)
    return {
        str(variant): _cell(own, column, standing.get(str(variant)), expected)
        for variant, own in part.groupby("variant")
    }


def _cell(own: pd.DataFrame, column: ColumnView, standing: Standing | None, expected: int) -> CellView:
    seeds = tuple(_seed(row, column.format) for row in own.to_dict("records"))
    values = own["value"].dropna().astype(float).tolist()
    if not values:
        return CellView(seeds)
    found = estimate(values)
    return CellView(
        seeds=seeds,
        mean=column.format(found.mean),
        half_width=column.format(found.half_width) if found.half_width is not None else "",
        standing=standing or "",
        level=_level_not_beaten(found.mean, column),
        shortfall=_shortfall(seeds, expected),
    )


def _seed(row: Mapping, format: ScoreFormat) -> SeedView:
    unscored = row["status"] == "ok" and pd.isna(row["value"])
    status = "no number" if unscored else row["status"]
    reason = "The score is not a number." if unscored else row["reason"]
    return SeedView(row["seed"], status, format(row["value"]), reason, row["page"])


def _shortfall(seeds: Sequence[SeedView], expected: int) -> str:
    """Return which seeds a mean leaves out, such as "2 of 3 seeds, 1 diverged"."""
    ok = sum(seed.ok for seed in seeds)
    failed = [seed.status for seed in seeds if not seed.ok]
    counts = [f"{failed.count(status)} {status}" for status in dict.fromkeys(failed)]
    return ", ".join([f"{ok} of {expected} seeds", *counts]) if ok < expected else ""


def _level_not_beaten(mean: float, column: ColumnView) -> str:
    """Return the easiest level without a trained model that a mean does not beat."""
    direction = column.evaluation.direction
    easy = [level for level in column.task.levels_of(column.name) if level.kind != "ceiling"]
    failed = [level for level in easy if not is_better(mean, level.value, direction)]
    easiest = min(failed, key=lambda level: level.value if direction == "higher" else -level.value, default=None)
    return easiest.name if easiest else ""


def _level_rows(columns: Sequence[ColumnView]) -> list[LevelRow]:
    """Return one line for chance, one for each baseline's name, and one for the ceiling."""
    names = sorted({level.name for column in columns for level in column.levels("baseline")})
    lines = [("chance", "chance", None), *(("baseline", name, name) for name in names), ("ceiling", "ceiling", None)]
    rows = [LevelRow(name, kind, tuple(_levels(columns, kind, only))) for kind, name, only in lines]
    return [row for row in rows if any(row.cells)]


def _levels(columns: Sequence[ColumnView], kind: str, only: str | None) -> Iterable[tuple[LevelCard, ...]]:
    for column in columns:
        yield tuple(level for level in column.levels(kind) if only in (None, level.name))


def _dates(started: pd.Series) -> str:
    days = sorted({str(day)[:10] for day in started if day})
    return " to ".join(dict.fromkeys(days[:1] + days[-1:]))
