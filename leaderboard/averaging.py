"""Averages as further rows of the tidy table: of a suite's normalised scores, and those of ``averages.json``.

A suite's average is over the first column of each of its tasks whose chance and ceiling are known, 0 at chance and 1
at the ceiling. Where a suite has tasks of the published size, reduced ones do not enter.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from .averages import Average, read_averages
from .rows import Row, group_by

Scores = Mapping[str, float | None]


@dataclass(frozen=True)
class AverageColumn:
    """A column of averages.

    Attributes
    ----------
    of
        The field of the rows that is averaged: "value" or "normalised".
    mean
        From scores by column to the average; None where it has none.
    """

    name: str
    suite: str
    members: tuple[str, ...]
    summary: str
    of: str
    reduced: bool
    mean: Callable[[Scores], float | None]


def average_columns(scores: Sequence[Row]) -> list[AverageColumn]:
    """Return the averages that the columns of one section allow."""
    suites: dict[str, list[Row]] = defaultdict(list)
    columns: dict[str, Row] = {}
    tasks: set[str] = set()
    for row in scores:
        columns.setdefault(row["column"], row)
        if row["task"] not in tasks and None not in (row["chance"], row["ceiling"]):
            suites[row["suite"]].append(row)
        tasks.add(row["task"])
    found = [_of_suite(suite, rows) for suite, rows in suites.items()]
    found += [_named(average, columns) for average in read_averages()]
    return [column for column in found if column]


def _of_suite(suite: str, rows: Sequence[Row]) -> AverageColumn | None:
    published = [row for row in rows if not row["reduced"]]
    members = tuple(row["column"] for row in published or rows)
    if len(members) < 2:
        return None
    average = Average(column=f"{suite} average", columns=members, summary=f"Mean over {', '.join(members)}, each "
                      "counted from 0 at chance to 1 at its ceiling.")  # fmt: skip
    return AverageColumn(average.column, suite, members, average.summary, "normalised", not published, _mean(average))


def _named(average: Average, columns: Mapping[str, Row]) -> AverageColumn | None:
    """Return one of ``averages.json``, where all its columns are there and of one size."""
    sizes = {columns[name]["reduced"] for name in average.columns if name in columns}
    if not columns.keys() >= set(average.columns) or len(sizes) > 1:
        return None
    suite = columns[average.columns[0]]["suite"]
    return AverageColumn(average.column, suite, average.columns, average.summary, "value", sizes.pop(), _mean(average))


def _mean(average: Average) -> Callable[[Scores], float | None]:
    return lambda scores: found[0] if (found := average.of(scores)) else None


def average_rows(scores: Sequence[Row]) -> Iterator[Row]:
    """Yield one row a (variant, seed, average) of a section; a seed that lacks a member has no value.

    Parameters
    ----------
    scores
        Rows of the tidy table of one section, each of kind "score".
    """
    runs = group_by(scores, "variant", "seed").values()
    for column in average_columns(scores):
        for own in runs:
            yield _average_row(column, own)


def _average_row(column: AverageColumn, own: Sequence[Row]) -> Row:
    known = {row["column"]: row[column.of] for row in own if row["column"] in column.members}
    value = column.mean(known)
    scored = sum(score is not None for score in known.values())
    kept = ("variant", "model", "family", "hyperparameters", "tier", "recipe", "device", "protocol", "seed")
    return {name: own[0][name] for name in kept} | {
        "kind": "average",
        "suite": column.suite,
        "task": column.name,
        "column": column.name,
        "status": "ok" if value is not None else "incomplete",
        "reason": column.summary if value is not None else f"{scored} of {len(column.members)} columns have a score.",
        "value": value,
        "metric": "normalised score" if column.of == "normalised" else "accuracy",
        "direction": "higher",
        "unit": "fraction",
        "reduced": column.reduced,
        "source": column.summary,
    }
