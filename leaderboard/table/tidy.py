"""The tidy table: one row per number. Every number on the pages comes from it; it is also exported as CSV and JSON."""

from __future__ import annotations

import json
import shlex
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ...harness.files import slug
from ...harness.judging.finish import after_plateaus, finish
from ...harness.records.cards import TaskCard
from ...harness.records.record import Record, Score
from ..links import unique_pages
from ..read.published_values import PublishedValue
from ..read.results import Results
from .averages import average_rows
from .comparing import Place, compare_columns, comparison_rows, place_of, steps_of_improving
from .records import notes_on, notes_on_left_out, section_of, shown_records, sizings, stale
from .rows import COLUMNS, COSTS, SECTION, Row, group_by
from .statistics import Comparisons

SELECTIONS = ("quick", "demo")
"""Suites whose tasks are selected from other suites."""

OTHER = "other tasks"
"""The suite of tasks that belong to no suite."""


def suite_of(card: TaskCard) -> str:
    """Return the suite of a task; the selections from other suites do not count."""
    return next((suite for suite in card.suites if suite not in SELECTIONS), OTHER)


@dataclass(frozen=True)
class Table:
    """The tidy table, notes on its records, and the comparisons of its columns."""

    rows: list[Row]
    notes: tuple[str, ...]
    comparisons: Mapping[Place, Comparisons]


def make_table(results: Results, published: Iterable[PublishedValue] = ()) -> Table:
    """Return the tidy table of the records to show."""
    records, left_out = shown_records(results.records)
    pages, sizing, outdated = page_names(records), sizings(records), stale(records)
    finished = _finished(records, results)
    scores = [
        {"kind": "score"}
        | _cell_columns(record, results)
        | {"page": pages[record.key], "sizing": sizing[record.key], "stale": record.key in outdated}
        | {"finish": finished[record.key], "after_steps": None}
        | score
        for record in records
        for score in _score_columns(record, results)
    ]
    scores.sort(key=lambda row: [row[name] for name in (*SECTION, "suite", "task", "family", "variant", "seed")])
    comparisons = compare_columns(scores, results)
    columns = {place_of(own[0]): own for own in group_by(scores, *SECTION, "task", "column").values()}
    for place, compared in comparisons.items():
        after = steps_of_improving(columns[place], compared, results)
        for row in columns[place] if after else ():
            row["after_steps"] = after
    fitted = [_counted(row) for row in scores if row["sizing"] == "fitted"]
    averages = [row for part in group_by(fitted, *SECTION).values() for row in average_rows(part)]
    comparisons |= compare_columns(averages, results)
    columns |= {place_of(own[0]): own for own in group_by(averages, *SECTION, "task", "column").values()}
    pairs = [row for place, compared in comparisons.items() for row in comparison_rows(columns[place], compared)]
    shown = dict.fromkeys((row["task"], row["tier"]) for row in scores)
    references = [row for key in shown if key in results.tasks for row in _reference_rows(results.tasks[key])]
    names = {row["column"] for row in (*scores, *averages)}
    quoted = [_published_row(value) for value in published if value.column in names]
    rows = [{name: row.get(name) for name in COLUMNS} for row in (*scores, *averages, *pairs, *references, *quoted)]
    of_stale = _notes_on_stale(record for record in records if record.key in outdated)
    return Table(rows, (*notes_on_left_out(left_out), *of_stale, *notes_on(records)), comparisons)


def _finished(records: Sequence[Record], results: Results) -> dict[str, str | None]:
    """Return by key whether training was finished."""
    found = {record.key: finish(record) for record in records}
    by_task: dict[tuple, list[Record]] = defaultdict(list)
    for record in records:
        by_task[*section_of(record).values(), record.cell.task].append(record)
    for own in by_task.values():
        if results.task(own[0]).plateau:
            found |= after_plateaus(found, own)
    return {key: str(value) if value else None for key, value in found.items()}


def _counted(row: Row) -> Row:
    """Return a row as it enters averages: without its score if it is stale."""
    return row | {"value": None, "normalized": None} if row["stale"] else row


def _notes_on_stale(records: Iterable[Record]) -> Iterator[str]:
    """Yield a note per tier and recipe with the command that runs stale cells again."""
    counts = Counter((record.cell.tier, record.cell.recipe) for record in records)
    for (tier, recipe), count in sorted(counts.items()):
        options = shlex.join(["--tier", tier, *(["--recipe", recipe] if recipe != "common" else [])])
        yield (
            f"Cells made by an older version of their model's source than others of their row: {count}. They are "
            f"marked and enter no average, rank or tie. `archarena run --rerun stale {options}` runs them again."
        )


def page_names(records: Iterable[Record]) -> dict[str, str]:
    """Return the run page of each key; pages are unique."""
    return unique_pages("runs", {record.key: slug(record.key)[:12] for record in records})


def _cell_columns(record: Record, results: Results) -> Row:
    cell, cost, size = record.cell, record.cost, record.size
    return {
        **cell.model_dump(include={"variant", "model", "task", "seed"}),
        **section_of(record),
        "family": results.model(cell.model).family or "other",
        "hyperparameters": json.dumps(cell.hyperparameters, sort_keys=True),
        "suite": suite_of(results.task(record)),
        "status": record.status,
        "reason": record.reason,
        **{name: getattr(cost, name) for name in COSTS},
        "body_parameters": size.body_parameters if size else None,
        "total_parameters": size.total_parameters if size else None,
        "peak_memory_bytes": cost.peak_rss_bytes if cost.peak_allocated_bytes is None else cost.peak_allocated_bytes,
        "learning_rate": record.learning_rate,
        "lift": record.lift,
        "reduced": record.data.reduced,
        "checksum": record.data.checksum,
        "started": record.started,
        "key": record.key,
    }


def _score_columns(record: Record, results: Results) -> Iterator[Row]:
    """Yield one entry per scored column, or one per column of the task if the trial has no scores."""
    card = results.task(record)
    columns = dict.fromkeys([evaluation.column for evaluation in card.evaluations] + list(record.scores))
    if record.status == "ok":
        columns = [column for column in columns if column in record.scores]
    for column in columns or [record.cell.task]:
        yield _score(column, record.scores.get(column), card, is_ok=record.status == "ok")


def _score(column: str, score: Score | None, card: TaskCard, *, is_ok: bool) -> Row:
    evaluation = card.evaluation(column)
    described = score or evaluation
    value = score.value if score and is_ok else None
    return {
        "column": column,
        "value": value,
        "metric": described.metric if described else "",
        "direction": described.direction if described else "higher",
        "unit": evaluation.unit if evaluation else "",
        **_bounds(value, card, column),
    }


def _bounds(value: float | None, card: TaskCard, column: str) -> Row:
    chance, ceiling = card.bounds(column)
    return {"chance": chance, "ceiling": ceiling, "normalized": normalized(value, chance, ceiling)}


def normalized(value: float | None, chance: float | None, ceiling: float | None) -> float | None:
    """Return a score on the scale from 0 at chance to 1 at the ceiling, or None if one of the three is missing."""
    if value is None or chance is None or ceiling is None or chance == ceiling:
        return None
    return (value - chance) / (ceiling - chance)


def _reference_rows(card: TaskCard) -> Iterator[Row]:
    for score in card.reference_scores:
        evaluation = card.evaluation(score.column)
        described = evaluation.model_dump(include={"metric", "direction", "unit"}) if evaluation else {}
        bounds: Mapping[str, Any] = _bounds(score.value, card, score.column)
        yield described | {
            "kind": "reference score",
            "variant": score.name,
            "family": score.kind,
            "reason": score.summary,
            "suite": suite_of(card),
            "task": card.task,
            "column": score.column,
            "tier": card.tier,
            "reduced": card.reduced,
            "value": score.value,
            "normalized": bounds["normalized"],
            "status": "ok",
        }


def _published_row(published: PublishedValue) -> Row:
    return {
        "kind": "published",
        "variant": published.variant,
        "column": published.column,
        "value": published.value,
        "reason": published.protocol,
        "citation": published.citation,
        "caveat": published.caveat,
    }
