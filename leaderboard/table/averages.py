"""Averages over columns: the normalized mean of each suite, and the averages defined in ``averages.json``.

The average of a suite covers the first column of each task with a known chance and ceiling, scaled to 0 at chance and
1 at the ceiling, unless its leader was still improving when training ended. If a suite has tasks of the published size,
reduced tasks are left out.

Two kinds of published averages of the Long Range Arena must not be mixed: the mean of five tasks, and the mean of six
in which a failed Path-X counts as chance.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from .rows import SECTION, Row, group_by

FILE = Path(__file__).with_name("averages.json")


class Average(BaseModel):
    """A column computed from other columns.

    Attributes
    ----------
    failed
        Scores that replace failed trials, by column. If a failed column has no replacement, there is no average.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    column: str
    columns: tuple[str, ...]
    summary: str
    failed: Mapping[str, float] = Field(default_factory=dict)

    def of(self, scores: Mapping[str, float | None]) -> float | None:
        """Return the mean of scores by column (None if the trial failed), or None if a column has no score."""
        known = {**self.failed, **{column: score for column, score in scores.items() if score is not None}}
        if not (scores.keys() >= set(self.columns) <= known.keys()):
            return None
        return sum(known[column] for column in self.columns) / len(self.columns)


@dataclass(frozen=True)
class AverageColumn:
    """An average in one section; `field` of the rows is averaged: "value" or "normalized"."""

    average: Average
    suite: str
    field: str
    reduced: bool


def read_averages(file: Path = FILE) -> tuple[Average, ...]:
    """Return the averages defined in ``averages.json``."""
    return tuple(TypeAdapter(list[Average]).validate_json(file.read_bytes()))


def average_columns(scores: Sequence[Row]) -> list[AverageColumn]:
    """Return the averages that the columns of one section allow."""
    suites: dict[str, list[Row]] = defaultdict(list)
    columns: dict[str, Row] = {}
    tasks: set[str] = set()
    for row in scores:
        columns.setdefault(row["column"], row)
        if row["task"] not in tasks and None not in (row["chance"], row["ceiling"]) and not row["after_steps"]:
            suites[row["suite"]].append(row)
        tasks.add(row["task"])
    found = [_of_suite(suite, rows) for suite, rows in suites.items()]
    found += [_defined(average, columns) for average in read_averages()]
    return [column for column in found if column]


def _of_suite(suite: str, rows: Sequence[Row]) -> AverageColumn | None:
    full_size = [row for row in rows if not row["reduced"]]
    members = tuple(row["column"] for row in full_size or rows)
    if len(members) < 2:
        return None
    summary = f"Mean over {', '.join(members)}, each scaled to 0 at chance and 1 at its ceiling."
    average = Average(column=f"{suite} average", columns=members, summary=summary)
    return AverageColumn(average, suite, "normalized", not full_size)


def _defined(average: Average, columns: Mapping[str, Row]) -> AverageColumn | None:
    """Return an average of ``averages.json`` if all its columns are present, all reduced or all of published size.

    There is none if the leader of a column was still improving.
    """
    own = [columns[name] for name in average.columns if name in columns]
    reduced = {row["reduced"] for row in own}
    if len(own) < len(average.columns) or len(reduced) > 1 or any(row["after_steps"] for row in own):
        return None
    return AverageColumn(average, columns[average.columns[0]]["suite"], "value", reduced.pop())


def average_rows(scores: Sequence[Row]) -> Iterator[Row]:
    """Yield one row per variant, seed and average, from the rows of kind "score" of one section.

    The value of an average is None if one of its columns has no score.
    """
    runs = group_by(scores, "variant", "seed").values()
    for column in average_columns(scores):
        for own in runs:
            yield _average_row(column, own)


def _average_row(column: AverageColumn, own: Sequence[Row]) -> Row:
    average = column.average
    known = {row["column"]: row[column.field] for row in own if row["column"] in average.columns}
    value = average.of(known)
    scored = sum(score is not None for score in known.values())
    kept = ("variant", "model", "family", "hyperparameters", *SECTION, "seed")
    return {name: own[0][name] for name in kept} | {
        "kind": "average",
        "suite": column.suite,
        "task": average.column,
        "column": average.column,
        "status": "ok" if value is not None else "incomplete",
        "reason": average.summary if value is not None else f"{scored} of {len(average.columns)} columns have a score.",
        "value": value,
        "metric": "normalized score" if column.field == "normalized" else "accuracy",
        "direction": "higher",
        "unit": "fraction",
        "reduced": column.reduced,
        "summary": average.summary,
        "stale": False,
        "key": None,
    }
