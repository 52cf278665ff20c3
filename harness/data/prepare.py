"""Preparing a task's arrays, once per (task, tier, seed), before any trial starts."""

from __future__ import annotations

import math
import shutil
from pathlib import Path

from ..contract.evaluation import ReferenceScore
from ..contract.spec import spec_to_json
from ..contract.task import Splits, Streams
from ..errors import UserError
from ..planning.cell import PlannedTask
from ..planning.key import data_identity, key_of
from ..planning.source_hash import source_hash
from ..records.cards import DataSourceCard, EvaluationCard, ReferenceCard, TaskCard
from ..records.meta import PreparedMeta
from .arrays import content_checksum, save_splits, with_ignored
from .fits_spec import check_splits
from .seeds import generator
from .verify import array_hashes, changed_array, read_meta_file, write_meta_file

BASE_SEED = "archarena"
"""Root of every random stream; a protocol constant."""

META = "meta.json"


def streams(task: str, tier: str, seed: int) -> Streams:
    """Return a task's random streams: only the training rows depend on the seed."""
    return Streams(
        train=generator(BASE_SEED, "data", "train", task, tier, seed),
        fixed=generator(BASE_SEED, "data", "fixed", task, tier),
    )


def prepared_folder(work: Path, task: PlannedTask, seed: int) -> Path:
    """Return the folder of a task's arrays, named after a hash of their data identity, source, tier and seed."""
    parts = {"data": data_identity(task), "source": source_hash(task.entry), "tier": task.tier.name, "seed": seed}
    return work / "data" / f"{task.name}-{task.tier.name}-s{seed}-{key_of(parts)[:12]}"


def is_prepared(folder: Path) -> bool:
    """Return whether a folder contains all of a task's arrays, unchanged (its meta file is written last)."""
    try:
        check_prepared(folder)
    except UserError:
        return False
    return True


def is_damaged(folder: Path) -> bool:
    """Return whether a task's arrays were prepared in a folder and changed since."""
    return (folder / META).is_file() and not is_prepared(folder)


def check_prepared(folder: Path, *, without: str | None = None) -> None:
    """Raise `UserError` if an array differs from the prepared one; see `changed_array` for `without`."""
    try:
        changed = changed_array(folder, read_meta(folder).files, without=without)
    except OSError as error:
        raise UserError(f"Cannot read the prepared arrays in {folder}: {error.strerror or error}.") from error
    if changed:
        raise UserError(
            f"The prepared array {folder / changed} has changed. Run the cell again; this prepares it again."
        )


def prepare(task: PlannedTask, seed: int, data: Path, folder: Path, *, with_reference_scores: bool) -> None:
    """Create and write the arrays and their ``meta.json``, with the reference scores if requested."""
    splits = task.task.splits(data, streams(task.name, task.tier.name, seed))
    if not isinstance(splits, Splits):
        raise UserError(f"splits() of task '{task.name}' returned {type(splits).__name__}, not Splits.")
    parts = {"train": splits.train, "valid": splits.valid, **splits.tests}
    rows = {name: len(split) for name, split in parts.items()}
    if empty := next((name for name, count in rows.items() if not count), None):
        raise UserError(f"Task '{task.name}' has no rows in its {empty} split.")
    if task.entry.is_plugin:
        check_splits(splits, task.task.spec, task.task.evaluations)
    checksum = content_checksum(splits)
    references = _reference_scores(task, splits) if with_reference_scores else None
    spec, splits = with_ignored(task.task.spec, splits)
    shutil.rmtree(folder, ignore_errors=True)
    try:
        save_splits(folder, spec, splits, task.task.evaluations)
    except OSError as error:
        raise UserError(f"Cannot write the arrays of {task.name} to {folder}: {error.strerror or error}.") from error
    files = array_hashes(folder)
    meta = PreparedMeta(spec=spec_to_json(spec), rows=rows, checksum=checksum, files=files, reference_scores=references)
    write_meta_file(folder / META, meta.model_dump(mode="json"))


def read_meta(folder: Path) -> PreparedMeta:
    """Return the content of ``meta.json``, or raise `UserError` if it is missing or was changed."""
    try:
        return PreparedMeta.model_validate(read_meta_file(folder / META))
    except (OSError, ValueError) as error:
        raise UserError(
            f"{folder / META} is missing or has changed. Run the cell again; this writes it again."
        ) from error


def _reference_scores(task: PlannedTask, splits: Splits) -> list[ReferenceCard]:
    """Return the finite reference scores: the constants of the evaluations, then those computed from the data."""
    scores: list[ReferenceScore] = []
    for e in task.task.evaluations:
        if e.chance is not None:
            scores.append(ReferenceScore(e.name, "chance", e.chance, "chance"))
        if e.ceiling is not None:
            scores.append(ReferenceScore(e.name, "ceiling", e.ceiling, "ceiling"))
    return [
        ReferenceCard(column=task.column(s.evaluation), name=s.name, value=s.value, kind=s.kind, summary=s.summary)
        for s in [*scores, *task.task.reference_scores(splits)]
        if math.isfinite(s.value)
    ]


def task_card(task: PlannedTask, meta: PreparedMeta | None) -> TaskCard:
    """Return a task's card; `meta` is None if the task could not be prepared."""
    return TaskCard(
        task=task.name,
        tier=task.tier.name,
        summary=task.entry.declared.get("summary", ""),
        suites=list(task.entry.declared.get("suites", ())),
        needs=list(task.entry.declared.get("needs", ())),
        duplicates=task.task.duplicates,
        data_sources=[
            DataSourceCard(name=s.name, summary=s.summary, license=s.license) for s in task.task.data_sources
        ],
        reduced=task.reduced,
        plateau=task.task.plateau,
        evaluations=[
            EvaluationCard(
                column=task.column(e.name),
                metric=e.scorer.name,
                direction=e.scorer.direction,
                unit=e.scorer.unit,
                summary=e.summary,
                companion_of=None if e.companion_of is None else task.column(e.companion_of),
                margin=e.scorer.margin if e.margin is None else e.margin,
                solved=e.solved,
            )
            for e in task.task.evaluations
        ],
        reference_scores=(meta.reference_scores or []) if meta else [],
        spec=meta.spec if meta else {},
        rows=meta.rows if meta else {},
    )
