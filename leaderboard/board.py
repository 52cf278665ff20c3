"""The index page, worked out from the tidy table."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

import pandas as pd

from .costs import cost_rows
from .formats import ScoreFormat
from .sources import OTHER, EvaluationCard, Sources, TaskCard
from .statistics import Standing, estimate, is_better, standings
from .table import SECTION, Row, group_by, rows_of
from .views import CellView, ColumnView, LevelRow, RowView, SectionView, SeedView

TIERS = ("full", "standard", "quick", "smoke")
FAMILIES = 8
"""Families with a colour of their own; later ones are grey."""


def sections(table: pd.DataFrame, sources: Sources) -> list[SectionView]:
    """Return a section for each (tier, recipe, device, protocol): large tiers first, then many cells."""
    rows = rows_of(table)
    families = sorted({row["family"] for row in rows})
    colours = {family: f"family-{i}" if i < FAMILIES else "family-other" for i, family in enumerate(families)}
    groups = sorted(group_by(rows, *SECTION).values(), key=lambda part: (_rank(part[0]["tier"]), -len(part)))
    return [_section(f"section-{index}", part, sources, colours) for index, part in enumerate(groups, 1)]


def _rank(tier: str) -> int:
    return TIERS.index(tier) if tier in TIERS else len(TIERS)


def _section(id: str, part: Sequence[Row], sources: Sources, colours: Mapping[str, str]) -> SectionView:
    columns = _columns(id, part, sources)
    cells = list({row["key"]: row for row in part}.values())
    by_column = group_by(part, "task", "column")
    scores = [_column_cells(by_column[column.task.task, column.name], column) for column in columns]
    expected = len({(row["task"], row["seed"]) for row in cells})
    rows = [_row(own, scores, expected, sources, colours) for own in group_by(cells, "variant").values()]
    return SectionView(
        id=id,
        **{name: part[0][name] for name in SECTION},
        seeds=len({row["seed"] for row in part}),
        dates=_dates(cells),
        columns=tuple(columns),
        rows=tuple(sorted(rows, key=lambda row: (row.family, row.variant))),
        levels=tuple(_level_rows(columns)),
        costs=tuple(cost_rows(cells)),
        unfinished=tuple(row for row in cells if row["status"] != "ok"),
        ok=sum(row.ok for row in rows),
        total=sum(row.total for row in rows),
    )


def _row(
    own: Sequence[Row],
    scores: Sequence[Mapping[str, CellView]],
    expected: int,
    sources: Sources,
    colours: Mapping[str, str],
) -> RowView:
    """Return one variant's line; `own` holds its cells, `scores` each column's cells by variant."""
    variant, family = own[0]["variant"], own[0]["family"]
    lifts = group_by([row for row in own if row["lift"]], "lift")
    return RowView(
        variant=variant,
        model=sources.model(own[0]["model"]),
        family=family,
        colour=colours[family],
        cells=tuple(column.get(variant, CellView()) for column in scores),
        lifts=tuple((lift, tuple(dict.fromkeys(row["task"] for row in rows))) for (lift,), rows in lifts.items()),
        ok=sum(row["status"] == "ok" for row in own),
        total=expected,
    )


def _columns(section: str, part: Sequence[Row], sources: Sources) -> list[ColumnView]:
    firsts = [rows[0] for rows in group_by(part, "task", "column").values()]
    firsts.sort(key=lambda row: (row["suite"] == OTHER, row["suite"], row["task"]))
    return [_column(f"{section}-column-{index}", row, sources) for index, row in enumerate(firsts, 1)]


def _column(id: str, row: Row, sources: Sources) -> ColumnView:
    task = sources.tasks.get((row["task"], row["tier"]))
    task = task or TaskCard(task=row["task"], tier=row["tier"], reduced=row["reduced"])
    evaluation = task.evaluation(row["column"])
    evaluation = evaluation or EvaluationCard(column=row["column"], metric=row["metric"], direction=row["direction"])
    return ColumnView(
        id, row["column"], row["suite"], task, evaluation, ScoreFormat(evaluation.metric, evaluation.unit)
    )


def _column_cells(part: Sequence[Row], column: ColumnView) -> dict[str, CellView]:
    """Return the cells of a column by variant. Only those without a failed seed have a standing."""
    by_variant = {variant: rows for (variant,), rows in group_by(part, "variant").items()}
    scores = {variant: {row["seed"]: row["value"] for row in rows} for variant, rows in by_variant.items()}
    whole = {variant: values for variant, values in scores.items() if None not in values.values()}
    standing = standings(whole, column.evaluation.direction)
    expected = len({row["seed"] for row in part})
    return {variant: _cell(rows, column, standing.get(variant), expected) for variant, rows in by_variant.items()}


def _cell(rows: Sequence[Row], column: ColumnView, standing: Standing | None, expected: int) -> CellView:
    seeds = tuple(_seed(row, column.format) for row in rows)
    values = [row["value"] for row in rows if row["value"] is not None]
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


def _seed(row: Row, write: ScoreFormat) -> SeedView:
    unscored = row["status"] == "ok" and row["value"] is None
    status = "no number" if unscored else row["status"]
    reason = "The score is not a number." if unscored else row["reason"]
    return SeedView(row["seed"], status, write(row["value"]), reason, row["page"])


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


def _level_rows(columns: Sequence[ColumnView]) -> Iterator[LevelRow]:
    """Yield one line for chance, one for all baselines and one for the ceiling."""
    for kind in ("chance", "baseline", "ceiling"):
        cells = tuple(tuple(column.levels(kind)) for column in columns)
        if any(cells):
            yield LevelRow(kind, cells)


def _dates(cells: Iterable[Row]) -> str:
    days = sorted({row["started"][:10] for row in cells} - {""})
    return " to ".join(dict.fromkeys(days[:1] + days[-1:]))
