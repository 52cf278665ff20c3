"""The tidy table: one row a number. Every number on a summary page comes from it, and it is the CSV."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import pandas as pd

from ..harness.files import slug
from ..harness.records.record import Record, Score
from .averaging import average_rows
from .links import unique_pages
from .published_results import PublishedResult
from .rows import Row, group_by
from .sources import Sources, TaskCard

SECTION = ["tier", "recipe", "device", "protocol"]
"""What is never mixed in one column."""

COSTS = [
    "train_seconds", "total_seconds", "samples_per_second", "tokens_per_second", "inference_ms", "forward_flops",
    "energy_joules", "state_bytes",
]  # fmt: skip
"""What a record measures of a cell's cost, as the record names it."""

COLUMNS = [
    "kind", "variant", "model", "family", "hyperparameters", "suite", "task", "column", "tier", "recipe", "device",
    "protocol", "seed", "status", "reason", "value", "normalised", "metric", "direction", "unit", "chance", "ceiling",
    *COSTS, "body_parameters", "total_parameters", "peak_memory_bytes", "learning_rate", "lift", "reduced",
    "checksum", "started", "source", "caveat", "key", "page",
]  # fmt: skip
"""`kind` is "score" (one seed of one column), "average", "level" or "published"."""

_WHOLE = ("seed", "body_parameters", "total_parameters", "peak_memory_bytes", "state_bytes")
"""Columns of whole numbers, which stay so where some are missing."""

_OF_MODEL = ("model", "model_source", "hyperparameters", "seed")
"""Parts of a key that may differ between the rows of one column, as may the depth, which a variant sets."""

_OF_PUBLISHED = ("tier", "budget", "recipe")
"""Further parts that are the model's own by a published recipe: its size, its length, how it is trained."""


def make_table(sources: Sources, published: Iterable[PublishedResult] = ()) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """Return the tidy table of the newest records, and what a reader must know of it.

    Notes
    -----
    Where the source or the settings of a cell changed between two runs, only the newer ones are
    shown, so that a mean is never taken over different things.
    """
    records, older = newest(sources.records)
    pages = page_names(records)
    scores = [
        {"kind": "score"} | _cell_columns(record, sources) | {"page": pages[record.key]} | score
        for record in records
        for score in _score_columns(record, sources)
    ]
    scores.sort(key=lambda row: [row[name] for name in (*SECTION, "suite", "task", "family", "variant", "seed")])
    averages = [row for part in group_by(scores, *SECTION).values() for row in average_rows(part)]
    shown = {(row["task"], row["tier"]): row for row in scores}
    levels = [level for key in shown if key in sources.tasks for level in _level_rows(sources.tasks[key])]
    columns = {row["column"] for row in scores}
    columns |= {row["column"] for row in averages}
    quoted = [_published_row(result) for result in published if result.column in columns]
    table = pd.DataFrame([*scores, *averages, *levels, *quoted], columns=COLUMNS)
    table = table.astype(dict.fromkeys(_WHOLE, "Int64") | {"reduced": "boolean"})
    notes = [f"Older records of the same cells are not shown: {older}."] if older else []
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
    return unique_pages("runs", {record.key: slug(record.key)[:12] for record in records})


def rows_of(table: pd.DataFrame) -> list[Row]:
    """Return the rows of the table, with None for what is missing."""
    whole = table.astype(object).where(table.notna(), None)
    return [dict(zip(COLUMNS, values, strict=True)) for values in whole.itertuples(index=False, name=None)]


def to_csv(table: pd.DataFrame) -> str:
    """Return the table as CSV. Text that a spreadsheet would run as a formula gets an apostrophe."""
    text = table.select_dtypes(include=["object", "str"]).columns
    safe = table.copy()
    for name in text:
        safe[name] = safe[name].map(lambda value: f"'{value}" if str(value)[:1] in "=+-@\t\r" and value else value)
    return safe.to_csv(index=False, lineterminator="\n")


def to_json(table: pd.DataFrame) -> str:
    """Return the table as JSON: a list of objects, with null for what is missing."""
    return json.dumps(rows_of(table), ensure_ascii=False, allow_nan=False, separators=(",", ":"), default=_number)


def _number(value: Any) -> Any:
    """Return a NumPy number as one that JSON knows."""
    return value.item()


def _cell_columns(record: Record, sources: Sources) -> dict[str, Any]:
    cell, cost, size = record.cell, record.cost, record.size
    memory = cost.peak_allocated_bytes if cost.peak_allocated_bytes is not None else cost.peak_rss_bytes
    costs = cost.model_dump()
    return {
        **cell.model_dump(include={"variant", "model", "task", "seed"}),
        **section_of(record),
        "family": sources.model(cell.model).family or "other",
        "hyperparameters": json.dumps(cell.hyperparameters, sort_keys=True),
        "suite": sources.task(record).suite,
        "status": record.status,
        "reason": record.reason,
        **{name: costs.get(name) for name in COSTS},
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
    """Return one entry a column: those that were scored, or all of the task's where the trial failed."""
    declared = [evaluation.column for evaluation in sources.task(record).evaluations]
    columns = dict.fromkeys([*declared, *record.scores])
    if record.status == "ok":
        columns = [column for column in columns if column in record.scores]
    return [_score(column, record.scores.get(column), sources, record) for column in columns or [record.cell.task]]


def _score(column: str, score: Score | None, sources: Sources, record: Record) -> dict[str, Any]:
    card = sources.task(record)
    evaluation = card.evaluation(column)
    described = score or evaluation
    value = score.value if score and record.status == "ok" else None
    chance, ceiling = card.bounds(column)
    return {
        "column": column,
        "value": value,
        "normalised": normalised(value, chance, ceiling),
        "metric": described.metric if described else "",
        "direction": described.direction if described else "higher",
        "unit": evaluation.unit if evaluation else "",
        "chance": chance,
        "ceiling": ceiling,
    }


def normalised(value: float | None, chance: float | None, ceiling: float | None) -> float | None:
    """Return where a score lies between chance (0) and ceiling (1), or None where one of them is not known."""
    if value is None or chance is None or ceiling is None or chance == ceiling:
        return None
    return (value - chance) / (ceiling - chance)


def _level_rows(card: TaskCard) -> Iterator[dict[str, Any]]:
    for level in card.levels:
        evaluation = card.evaluation(level.column)
        described = evaluation.model_dump(include={"metric", "direction", "unit"}) if evaluation else {}
        names = {"variant": level.name, "family": level.kind, "reason": level.summary, "suite": card.suite}
        place = {"task": card.task, "column": level.column, "tier": card.tier, "reduced": card.reduced}
        bounds = card.bounds(level.column)
        scores = {"value": level.value, "normalised": normalised(level.value, *bounds), "status": "ok"}
        yield {"kind": "level", **names, **place, **scores, **described}


def _published_row(result: PublishedResult) -> dict[str, Any]:
    names = {"kind": "published", "variant": result.variant, "column": result.column, "reason": result.protocol}
    return names | {"value": result.value, "source": result.source, "caveat": result.caveat}


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
        seen[(*section_of(record).values(), record.cell.task)].append(_conditions(record))
    notes = []
    for (tier, *_, task), parts in seen.items():
        names = {name for part in parts for name in part}
        differing = sorted(name for name in names if any(part.get(name) != parts[0].get(name) for part in parts))
        if differing:
            notes.append(f"The rows of {task} ({tier}) were run under different conditions: {', '.join(differing)}.")
    return notes


def _conditions(record: Record) -> dict[str, Any]:
    """Return the parts of a record's key that the rows of a column have in common, by the words of a reader."""
    parts = {name: value for name, value in record.key_parts.items() if name not in _OF_MODEL}
    if record.cell.recipe == "published":
        parts = {name: value for name, value in parts.items() if name not in _OF_PUBLISHED}
    elif isinstance(parts.get("tier"), dict):
        parts["tier"] = {name: value for name, value in parts["tier"].items() if name != "depth"}
    return {name.replace("_", " "): value for name, value in parts.items()}


def _digest(parts: Mapping[str, Any], without: tuple[str, ...] = ()) -> str:
    return json.dumps({name: value for name, value in parts.items() if name not in without}, sort_keys=True)
