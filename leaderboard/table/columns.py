"""One column of a section: its description and the cell of each variant."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean, stdev

from ...harness.contract.metrics import sign
from ...harness.judging.finish import Finish
from ...harness.judging.power import NEVER
from ...harness.judging.reference import not_beaten
from ...harness.judging.verdicts import count
from ...harness.records.cards import EvaluationCard, ReferenceCard, TaskCard
from ..formats import ScoreFormat
from ..links import Links
from ..read.results import Results
from .rows import Row, group_by
from .statistics import Comparisons, Estimate, Standing, t_quantile

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
        Formatted mean over seeds and half its 95 % interval over rows and seeds; empty if unknown or for one seed.
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
    finish
        Whether the validation score had stopped improving: "learned", "stalled", "improving" or "unclear"; empty if
        unknown.
    solved
        How many seeds solved the task, such as "2 of 5 seeds (5 to 85 %)"; empty if the column is not about that.
    doubt
        What would decide whether the row is behind the best, such as "about 3 more seeds"; empty if it is decided.
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
    finish: str = ""
    solved: str = ""
    doubt: str = ""

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
    after_steps
        Steps after which the column was scored, if its leader was still improving when training ended.
    """

    name: str
    group: str
    task: TaskCard
    evaluation: EvaluationCard
    page: str
    cells: Mapping[str, CellView]
    comparisons: Comparisons | None
    after_steps: int | None = None

    @property
    def title(self) -> str:
        """Return the column's name; a column whose leader was still improving shows a score, not final quality."""
        return f"{self.name}, score after {self.after_steps:,} steps" if self.after_steps else self.name

    @property
    def is_informative(self) -> bool:
        """Return whether a row beats a reference score beyond its interval, or the column has no such score."""
        easy = self.references("chance") + self.references("baseline")
        scored = [cell for cell in self.cells.values() if cell.value is not None]
        return not easy or not scored or any(not cell.not_beaten for cell in scored)

    @property
    def is_companion(self) -> bool:
        """Return whether it is a further view of another column of its task, such as a stricter comparison."""
        return bool(self.evaluation.companion_of)

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


def column_view(
    rows: Sequence[Row], results: Results, links: Links, comparisons: Comparisons | None, *, compares: bool = True
) -> ColumnView:
    """Return a column and its cells from its rows in one section, and from their comparisons.

    If the section does not compare rows, cells have no marks.
    """
    is_average = rows[0]["kind"] == "average"
    task, evaluation = _average(rows[0]) if is_average else _evaluation(rows[0], results)
    by_variant = {variant: own for (variant,), own in group_by(rows, "variant").items()}
    expected = len({row["seed"] for row in rows})
    standings = comparisons.standings() if comparisons else {}
    return ColumnView(
        name=rows[0]["column"],
        group=AVERAGES if is_average else rows[0]["suite"],
        task=task,
        evaluation=evaluation,
        page="" if is_average else links.tasks.get(task.task, ""),
        cells={
            variant: _cell(own, task, evaluation, comparisons, standings if compares else None, expected)
            for variant, own in by_variant.items()
        },
        comparisons=comparisons,
        after_steps=rows[0]["after_steps"],
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
    rows: Sequence[Row],
    task: TaskCard,
    evaluation: EvaluationCard,
    comparisons: Comparisons | None,
    standings: Mapping[str, Standing] | None,
    expected: int,
) -> CellView:
    """Return the cell of one variant; `standings` is None if the section does not compare rows."""
    write, variant = ScoreFormat(evaluation.metric, evaluation.unit), rows[0]["variant"]
    seeds = tuple(_seed(row, write) for row in rows)
    values = [row["value"] for row in rows if row["value"] is not None]
    if not values:
        return CellView(seeds)
    is_compared = comparisons is not None and variant in comparisons.names
    found = comparisons.estimate(variant) if comparisons and is_compared else _over_seeds(values)
    half = found.half_width if found.n > 1 else None
    standing = standings.get(variant, "") if standings is not None else ""
    missed = not_beaten(found.mean, found.half_width or 0.0, task.references(evaluation.column), evaluation.direction)
    return CellView(
        seeds=seeds,
        mean=write(found.mean),
        half_width=write(half) if half is not None else "",
        value=found.mean,
        spread=half,
        standing=standing,
        not_beaten=missed.name if missed and standings is not None else "",
        shortfall=_shortfall(seeds, expected),
        lift=LIFT_LABELS.get(rows[0].get("lift") or "", ""),
        stale=any(row["stale"] for row in rows),
        finish=_finish(rows),
        solved=_solved(comparisons, variant) if comparisons and is_compared else "",
        doubt=_doubt(comparisons, variant) if comparisons and is_compared else "",
    )


def _over_seeds(values: Sequence[float]) -> Estimate:
    """Return the mean of seeds that are not compared, with Student's t interval."""
    mean, n = fmean(values), len(values)
    return Estimate(mean, t_quantile(n) * stdev(values) / n**0.5 if n > 1 else None, n)


def _finish(rows: Sequence[Row]) -> str:
    """Return the least finished state of a cell's seeds, or an empty string if it is unknown."""
    found = {row["finish"] for row in rows if row["finish"]}
    order = (Finish.IMPROVING, Finish.UNCLEAR, Finish.STALLED, Finish.LEARNED)
    return next((str(state) for state in order if state in found), "")


def _solved(comparisons: Comparisons, variant: str) -> str:
    found = comparisons.solving(variant)
    if not found:
        return ""
    solved, seeds, low, high = found
    return f"solved by {solved} of {seeds} seed{'s' if seeds != 1 else ''} ({100 * low:.0f} to {100 * high:.0f} %)"


def _doubt(comparisons: Comparisons, variant: str) -> str:
    """Return what would decide whether a row is behind the best."""
    found = comparisons.difference(variant, comparisons.best)
    if found.needed is None:
        return ""
    return "needs more test rows" if found.needed == NEVER else count(found.needed)


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
