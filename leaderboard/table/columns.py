"""One column of a section: its description and the cell of each variant."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ...harness.contract.metrics import better, sign
from ...harness.records.cards import EvaluationCard, ReferenceCard, TaskCard
from ..formats import ScoreFormat
from ..links import Links
from ..read.results import Results
from .rows import Row, group_by
from .statistics import Comparisons, Estimate, compare, estimate

AVERAGES = "averages"
"""The group of columns that are averages over others."""


LIFT_LABELS = {"window-as-fields": "n-gram baseline"}
"""Labels of cells whose lift hides part of the input: a window has 16 positions."""


@dataclass(frozen=True)
class SeedView:
    """One seed of a cell, with the page of its run."""

    seed: int
    status: str
    text: str
    value: float | None
    reason: str
    page: str

    @property
    def ok(self) -> bool:
        return self.status == "ok"


@dataclass(frozen=True)
class CellView:
    """One variant in one column.

    Attributes
    ----------
    mean, half_width
        Formatted mean over seeds and half its 95 % interval; empty if unknown.
    value, spread
        The same as numbers.
    not_beaten
        The easiest reference score that the mean, or its interval, does not beat.
    shortfall
        Seeds missing from the mean, such as "2 of 3 seeds, 1 diverged".
    lift
        What the lift makes of the model if it sees less than others, such as "n-gram baseline".
    stale
        Whether an older version of the model's source made it than the newest of the row.
    """

    seeds: tuple[SeedView, ...] = ()
    mean: str = ""
    half_width: str = ""
    value: float | None = None
    spread: float | None = None
    standing: str = ""
    not_beaten: str = ""
    shortfall: str = ""
    lift: str = ""
    stale: bool = False

    @property
    def failure(self) -> SeedView | None:
        return next((seed for seed in self.seeds if not seed.ok), None)


@dataclass(frozen=True)
class ColumnView:
    """One evaluation, or an average over several.

    Attributes
    ----------
    group
        The suite under which it is shown.
    page
        Page of its task; empty for an average.
    cells
        Cells by variant.
    comparisons
        Comparisons of its rows; None if no row is complete.
    """

    name: str
    group: str
    task: TaskCard
    evaluation: EvaluationCard
    page: str
    cells: Mapping[str, CellView]
    comparisons: Comparisons | None

    @property
    def format(self) -> ScoreFormat:
        return ScoreFormat(self.evaluation.metric, self.evaluation.unit)

    @property
    def is_average(self) -> bool:
        return not self.page

    @property
    def sign(self) -> int:
        """Return 1 if higher is better, -1 if lower is."""
        return sign(self.evaluation.direction)

    def references(self, kind: str) -> list[ReferenceCard]:
        """Return the column's reference scores of one kind."""
        return [score for score in self.task.references(self.name) if score.kind == kind]

    def strongest(self, scores: Sequence[ReferenceCard]) -> ReferenceCard:
        """Return the best of some reference scores."""
        return max(scores, key=lambda score: self.sign * score.value)


def column_view(rows: Sequence[Row], results: Results, links: Links, *, compares: bool = True) -> ColumnView:
    """Return a column and its cells from its rows in one section.

    Only variants without a failed seed are compared with others, and no stale ones. If the section does not compare
    rows, cells have no marks.
    """
    is_average = rows[0]["kind"] == "average"
    task, evaluation = _average(rows[0]) if is_average else _evaluation(rows[0], results)
    by_variant = {variant: own for (variant,), own in group_by(rows, "variant").items()}
    scores = {variant: {row["seed"]: row["value"] for row in own} for variant, own in by_variant.items()}
    stale = {variant for variant, own in by_variant.items() if any(row["stale"] for row in own)}
    complete = {name: found for name, found in scores.items() if None not in found.values() and name not in stale}
    comparisons = compare(complete, evaluation.direction) if compares else None
    standings = comparisons.standings() if comparisons else {}
    expected = len({row["seed"] for row in rows})
    return ColumnView(
        name=rows[0]["column"],
        group=AVERAGES if is_average else rows[0]["suite"],
        task=task,
        evaluation=evaluation,
        page="" if is_average else links.tasks.get(task.task, ""),
        cells={
            variant: _cell(own, task, evaluation, standings.get(variant, "" if compares else None), expected)
            for variant, own in by_variant.items()
        },
        comparisons=comparisons,
    )


def _evaluation(row: Row, results: Results) -> tuple[TaskCard, EvaluationCard]:
    task = results.tasks.get((row["task"], row["tier"]))
    task = task or TaskCard(task=row["task"], tier=row["tier"], reduced=row["reduced"])
    evaluation = task.evaluation(row["column"])
    return task, evaluation or EvaluationCard(column=row["column"], metric=row["metric"], direction=row["direction"])


def _average(row: Row) -> tuple[TaskCard, EvaluationCard]:
    described = {name: row[name] for name in ("column", "metric", "direction", "unit")}
    task = TaskCard(task=row["column"], tier=row["tier"], reduced=row["reduced"])
    return task, EvaluationCard(summary=row["summary"], **described)


def _cell(
    rows: Sequence[Row], task: TaskCard, evaluation: EvaluationCard, standing: str | None, expected: int
) -> CellView:
    """Return the cell of one variant; `standing` is None if the section does not compare rows."""
    write = ScoreFormat(evaluation.metric, evaluation.unit)
    seeds = tuple(_seed(row, write) for row in rows)
    values = [row["value"] for row in rows if row["value"] is not None]
    if not values:
        return CellView(seeds)
    found = estimate(values)
    return CellView(
        seeds=seeds,
        mean=write(found.mean),
        half_width=write(found.half_width) if found.half_width is not None else "",
        value=found.mean,
        spread=found.half_width,
        standing=standing or "",
        not_beaten="" if standing is None else _not_beaten(found, task, evaluation),
        shortfall=_shortfall(seeds, expected),
        lift=LIFT_LABELS.get(rows[0].get("lift") or "", ""),
        stale=any(row["stale"] for row in rows),
    )


def _seed(row: Row, write: ScoreFormat) -> SeedView:
    unscored = row["status"] == "ok" and row["value"] is None
    status = "no number" if unscored else row["status"]
    reason = "The score is not a number." if unscored else row["reason"]
    return SeedView(row["seed"], status, write(row["value"]), row["value"], reason, row["page"] or "")


def _shortfall(seeds: Sequence[SeedView], expected: int) -> str:
    ok = sum(seed.ok for seed in seeds)
    failed = [seed.status for seed in seeds if not seed.ok and seed.status != "incomplete"]
    counts = [f"{failed.count(status)} {status}" for status in dict.fromkeys(failed)]
    return ", ".join([f"{ok} of {expected} seeds", *counts]) if ok < expected else ""


def _not_beaten(found: Estimate, task: TaskCard, evaluation: EvaluationCard) -> str:
    """Return the name of the easiest reference score, chance or a baseline, that the worse end does not beat.

    The worse end is that of the interval over seeds, or the score of a single seed.
    """
    direction = evaluation.direction
    worse_end = found.mean - sign(direction) * (found.half_width or 0.0)
    easy = [score for score in task.references(evaluation.column) if score.kind != "ceiling"]
    missed = [score for score in easy if not better(direction, worse_end, score.value)]
    easiest = min(missed, key=lambda score: sign(direction) * score.value, default=None)
    return easiest.name if easiest else ""
