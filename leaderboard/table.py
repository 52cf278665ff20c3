"""The tidy table: one row a (cell, column). Every number on the index page comes from it."""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

import pandas as pd

from ..harness.records import Record, Score, slug
from .sources import Sources

SECTION = ["tier", "recipe", "device", "protocol"]
"""What is never mixed in one column."""

COLUMNS = [
    "variant", "model", "family", "hyperparameters", "suite", "task", "column", "tier", "recipe", "device", "protocol",
    "seed", "status", "reason", "value", "metric", "direction", "unit", "chance", "ceiling", "train_seconds",
    "total_seconds", "samples_per_second", "tokens_per_second", "body_parameters", "total_parameters",
    "peak_memory_bytes", "learning_rate", "lift", "reduced", "checksum", "started", "key", "page",
]  # fmt: skip

Row = dict[str, Any]
"""One row of the table by column name; None where a value is missing."""

_OF_MODEL = ("model", "model_source", "hyperparameters", "seed")
"""Parts of a key that may differ between the rows of one column."""


def make_table(sources: Sources) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """Return the tidy table of the newest records, and what a reader must know of it.

    Notes
    -----
    Where the source or the settings of a cell changed between two runs, only the newer ones are
    shown, so that a mean is never taken over different things.
    """
    records, older = newest(sources.records)
    pages = page_names(records)
    rows = [
        _cell_columns(record, sources) | {"page": pages[record.key]} | score
        for record in records
        for score in _score_columns(record, sources)
    ]
    table = pd.DataFrame(rows, columns=COLUMNS).sort_values(
        [*SECTION, "suite", "task", "family", "variant", "seed"], kind="stable", ignore_index=True
    )
    notes = [f"{older} older records of the same cells are not shown."] if older else []
    return table, (*notes, *_differing_data(records), *_differing_conditions(records))


def newest(records: Iterable[Record]) -> tuple[list[Record], int]:
    """Return, of each variant and task, the records that agree with the newest in all but the seed.

    Also returns how many records were left out.
    """
    rows: dict[tuple, list[Record]] = defaultdict(list)
    for record in records:
        rows[(*section_of(record).values(), record.cell.variant, record.cell.task)].append(record)
    kept: list[Record] = []
    older = 0
    for group in rows.values():
        lineage = _digest(max(group, key=lambda record: record.started).key_parts, without=("seed",))
        same = [record for record in group if _digest(record.key_parts, without=("seed",)) == lineage]
        by_seed = {record.cell.seed: record for record in sorted(same, key=lambda record: record.started)}
        kept += by_seed.values()
        older += len(group) - len(by_seed)
    return kept, older


def section_of(record: Record) -> dict[str, Any]:
    """Return what decides which table of the page a record belongs to."""
    device = record.key_parts.get("device") or record.environment.get("device") or "unknown device"
    protocol = str(record.key_parts.get("protocol", "unknown"))
    return {"tier": record.cell.tier, "recipe": record.cell.recipe, "device": str(device), "protocol": protocol}


def page_names(records: Iterable[Record]) -> dict[str, str]:
    """Return the run page of each key, relative to the site; no two keys share one."""
    names: dict[str, str] = {}
    taken: set[str] = set()
    for record in records:
        name = slug(record.key)[:12]
        if name in taken:
            name = f"{name}-{hashlib.sha256(record.key.encode()).hexdigest()[:12]}"
        taken.add(name)
        names[record.key] = f"runs/{name}.html"
    return names


def rows_of(table: pd.DataFrame) -> list[Row]:
    """Return the rows of the table, with None for what is missing."""
    whole = table.astype(object).where(table.notna(), None)
    return [dict(zip(COLUMNS, values, strict=True)) for values in whole.itertuples(index=False, name=None)]


def group_by(rows: Iterable[Row], *names: str) -> dict[tuple, list[Row]]:
    """Return rows by the values of some columns, in the order in which they are first met."""
    groups: dict[tuple, list[Row]] = defaultdict(list)
    for row in rows:
        groups[tuple(row[name] for name in names)].append(row)
    return groups


def to_csv(table: pd.DataFrame) -> str:
    """Return the table as CSV. Text that a spreadsheet would run as a formula gets an apostrophe."""
    text = table.select_dtypes(include=["object", "str"]).columns
    safe = table.copy()
    for name in text:
        safe[name] = safe[name].map(lambda value: f"'{value}" if str(value)[:1] in "=+-@\t\r" and value else value)
    return safe.to_csv(index=False, lineterminator="\n")


def _cell_columns(record: Record, sources: Sources) -> dict[str, Any]:
    cell, cost, size = record.cell, record.cost, record.size
    memory = cost.peak_allocated_bytes if cost.peak_allocated_bytes is not None else cost.peak_rss_bytes
    return {
        **cell.model_dump(include={"variant", "model", "task", "seed"}),
        **section_of(record),
        "family": sources.model(cell.model).family or "other",
        "hyperparameters": json.dumps(cell.hyperparameters, sort_keys=True),
        "suite": sources.task(record).suite,
        "status": record.status,
        "reason": record.reason,
        **cost.model_dump(include={"train_seconds", "total_seconds", "samples_per_second", "tokens_per_second"}),
        "body_parameters": size.body_parameters if size else None,
        "total_parameters": size.total_parameters if size else None,
        "peak_memory_bytes": memory,
        "learning_rate": record.learning_rate,
        "lift": record.lift,
        "reduced": record.data.reduced,
        "checksum": record.data.checksum,
        "started": record.started,
        "key": record.key,
    }


def _score_columns(record: Record, sources: Sources) -> list[dict[str, Any]]:
    """Return one entry a column; a cell without scores still has its task's columns."""
    card = sources.task(record)
    columns = dict.fromkeys([evaluation.column for evaluation in card.evaluations] + list(record.scores))
    return [_score(column, record.scores.get(column), sources, record) for column in columns or [record.cell.task]]


def _score(column: str, score: Score | None, sources: Sources, record: Record) -> dict[str, Any]:
    evaluation = sources.task(record).evaluation(column)
    described = score or evaluation
    ok = record.status == "ok"
    return {
        "column": column,
        "value": score.value if score and ok else None,
        "metric": described.metric if described else "",
        "direction": described.direction if described else "higher",
        "unit": evaluation.unit if evaluation else "",
        "chance": evaluation.chance if evaluation else None,
        "ceiling": evaluation.ceiling if evaluation else None,
    }


def _differing_data(records: Iterable[Record]) -> list[str]:
    seen: dict[tuple, set[str]] = defaultdict(set)
    for record in records:
        if record.data.checksum:
            seen[(*section_of(record).values(), record.cell.task, record.cell.seed)].add(record.data.checksum)
    return [
        f"The models did not see the same data on {task} ({tier}, seed {seed}): its rows have {len(sums)} checksums."
        for (tier, *_, task, seed), sums in seen.items()
        if len(sums) > 1
    ]


def _differing_conditions(records: Iterable[Record]) -> list[str]:
    seen: dict[tuple, list[Mapping[str, Any]]] = defaultdict(list)
    for record in records:
        seen[(*section_of(record).values(), record.cell.task)].append(record.key_parts)
    notes = []
    for (tier, *_, task), parts in seen.items():
        names = {name for part in parts for name in part if name not in _OF_MODEL}
        differing = sorted(name for name in names if len({_digest({name: part.get(name)}) for part in parts}) > 1)
        if differing:
            notes.append(f"The rows of {task} ({tier}) were run under different conditions: {', '.join(differing)}.")
    return notes


def _digest(parts: Mapping[str, Any], without: tuple[str, ...] = ()) -> str:
    return json.dumps({name: value for name, value in parts.items() if name not in without}, sort_keys=True)
