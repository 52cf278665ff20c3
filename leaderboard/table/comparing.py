"""Comparisons of every column of the table, from the scores per row that records keep."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from ...harness.judging.column import Column
from ...harness.judging.finish import Finish
from ...harness.judging.of_records import column_of
from ...harness.judging.runs import Runs
from ...harness.records.cards import EvaluationCard
from ...harness.records.row_scores import RowScores
from ..read.results import Results
from .rows import SECTION, Row, group_by
from .statistics import Comparisons, Verdict

Place = tuple
"""A column of one section: its tier, recipe, device, protocol, sizing, task and name."""

UNCOMPARED_TIER = "smoke"
"""Its scores only show that everything runs, so they have no marks, ranks or ties."""


def place_of(row: Row) -> Place:
    """Return the column of the section that a row is in."""
    return tuple(row[name] for name in (*SECTION, "task", "column"))


def compares(tier: str, sizing: str) -> bool:
    """Return whether the rows of a section are compared."""
    return tier != UNCOMPARED_TIER and sizing == "fitted"


def compare_columns(scores: Sequence[Row], results: Results) -> dict[Place, Comparisons]:
    """Return the comparisons of each column that has complete rows, from rows of kind "score" or "average".

    Only variants without a failed seed are compared with others, and no stale ones.
    """
    found = {}
    for own in group_by(scores, *SECTION, "task").values():
        if not compares(own[0]["tier"], own[0]["sizing"]):
            continue
        per_row = {row["key"]: results.row_scores(row["key"]) for row in own if row["key"]}
        for (column,), rows in group_by(own, "column").items():
            compared = _compare(column, rows, per_row, results)
            if compared:
                found[place_of(rows[0])] = compared
    return found


def _compare(
    column: str, rows: Sequence[Row], per_row: Mapping[str, RowScores], results: Results
) -> Comparisons | None:
    complete = {
        variant: own
        for (variant,), own in group_by(rows, "variant").items()
        if all(row["value"] is not None and not row["stale"] for row in own)
    }
    if not complete:
        return None
    if rows[0]["kind"] == "average":
        values = {variant: [row["value"] for row in own] for variant, own in complete.items()}
        runs = {name: Runs.of(own, [None] * len(own), 0, is_share=False) for name, own in values.items()}
        return Comparisons(Column(runs))
    card = results.tasks.get((rows[0]["task"], rows[0]["tier"]))
    evaluation = card.evaluation(column) if card else None
    described = {name: rows[0][name] for name in ("column", "metric", "direction", "unit")}
    records = {variant: [results.by_key[row["key"]] for row in own] for variant, own in complete.items()}
    return Comparisons(column_of(evaluation or EvaluationCard(**described), records, per_row))


def steps_of_improving(rows: Sequence[Row], compared: Comparisons, results: Results) -> int | None:
    """Return the steps after which a column was scored if its leader was still improving, otherwise None."""
    leader = [row for row in rows if row["variant"] == compared.best]
    improving = [row for row in leader if row["finish"] == Finish.IMPROVING]
    if 2 * len(improving) <= len(leader):
        return None
    attempts = [results.by_key[row["key"]].chosen for row in improving]
    return max(attempt.steps for attempt in attempts if attempt)


def comparison_rows(rows: Sequence[Row], compared: Comparisons) -> Iterator[Row]:
    """Yield a row of kind "comparison" for each other row against the best, from the rows of one column."""
    best = compared.best
    shared = {name: rows[0][name] for name in (*SECTION, "suite", "task", "column", "metric", "direction", "unit")}
    described = {row["variant"]: {name: row[name] for name in ("variant", "model", "family")} for row in rows}
    for name in compared.names:
        if name == best:
            continue
        found = compared.difference(name, best)
        yield (
            shared
            | described[name]
            | {
                "kind": "comparison",
                "reference": best,
                "status": "ok",
                "value": found.mean,
                "half_width": found.half_width,
                "p_value": found.p_value,
                "verdict": VERDICTS[found.verdict],
                "reason": found.text,
                "more_seeds": found.needed,
            }
        )


VERDICTS = {
    Verdict.BETTER: "better",
    Verdict.WORSE: "worse",
    Verdict.BETTER_HERE: "better on these rows",
    Verdict.WORSE_HERE: "worse on these rows",
    Verdict.TIED: "tied",
    Verdict.UNKNOWN: "undecided",
}
