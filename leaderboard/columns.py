"""One column: from the rows of the tidy table to a cell a variant."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from .formats import ScoreFormat
from .rows import Row, group_by
from .statistics import Comparisons, Standing, compare, estimate, is_better
from .views import CellView, ColumnView, SeedView


@dataclass(frozen=True)
class Cells:
    """The cells of a column by variant, and how its rows compare."""

    column: ColumnView
    by_variant: Mapping[str, CellView]
    comparisons: Comparisons | None


def column_cells(part: Sequence[Row], column: ColumnView) -> Cells:
    """Return the cells of a column. Only rows without a failed seed are compared with others."""
    by_variant = {variant: rows for (variant,), rows in group_by(part, "variant").items()}
    scores = {variant: {row["seed"]: row["value"] for row in rows} for variant, rows in by_variant.items()}
    whole = {variant: values for variant, values in scores.items() if None not in values.values()}
    comparisons = compare(whole, column.evaluation.direction)
    standing = comparisons.standings() if comparisons else {}
    expected = len({row["seed"] for row in part})
    cells = {variant: _cell(rows, column, standing.get(variant), expected) for variant, rows in by_variant.items()}
    return Cells(column, cells, comparisons)


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
        value=found.mean,
        standing=standing or "",
        level=_level_not_beaten(found.mean, column),
        shortfall=_shortfall(seeds, expected),
    )


def _seed(row: Row, write: ScoreFormat) -> SeedView:
    unscored = row["status"] == "ok" and row["value"] is None
    status = "no number" if unscored else row["status"]
    reason = "The score is not a number." if unscored else row["reason"]
    return SeedView(row["seed"], status, write(row["value"]), row["value"], reason, row["page"] or "")


def _shortfall(seeds: Sequence[SeedView], expected: int) -> str:
    """Return which seeds a mean leaves out, such as "2 of 3 seeds, 1 diverged"."""
    ok = sum(seed.ok for seed in seeds)
    failed = [seed.status for seed in seeds if not seed.ok and seed.status != "incomplete"]
    counts = [f"{failed.count(status)} {status}" for status in dict.fromkeys(failed)]
    return ", ".join([f"{ok} of {expected} seeds", *counts]) if ok < expected else ""


def _level_not_beaten(mean: float, column: ColumnView) -> str:
    """Return the easiest level, by chance, a simple rule or a simple model, that a mean does not beat."""
    direction = column.evaluation.direction
    easy = [level for level in column.task.levels_of(column.name) if level.kind != "ceiling"]
    failed = [level for level in easy if not is_better(mean, level.value, direction)]
    easiest = min(failed, key=lambda level: level.value if direction == "higher" else -level.value, default=None)
    return easiest.name if easiest else ""
