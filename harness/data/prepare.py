"""Preparing a task's arrays, once per (task, tier, seed), before any trial starts."""

from __future__ import annotations

import json
import math
import shutil
from dataclasses import asdict
from pathlib import Path
from typing import Any

from ..contract.spec import spec_to_json
from ..contract.task import Splits, Streams
from ..errors import UserError
from ..files import write_json
from ..planning.cell import PlannedTask
from ..planning.key import data_identity, key_of
from ..planning.source_hash import source_hash
from .arrays import content_checksum, save_splits, with_ignored
from .seeds import generator

BASE_SEED = "archarena"
"""Root of every random stream; a protocol constant."""


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
    """Return whether a folder contains all of a task's arrays (its meta file is written last)."""
    return (folder / "meta.json").is_file()


def prepare(task: PlannedTask, seed: int, data: Path, folder: Path, *, with_levels: bool) -> dict[str, Any]:
    """Create and write the arrays, with their checksum and, if requested, the reference scores.

    Returns
    -------
    dict
        The content of ``meta.json``.
    """
    splits = task.task.splits(data, streams(task.name, task.tier.name, seed))
    _require_rows(task.name, splits)
    checksum, levels = content_checksum(splits), _levels(task, splits) if with_levels else None
    spec, splits = with_ignored(task.task.spec, splits)
    shutil.rmtree(folder, ignore_errors=True)
    try:
        save_splits(folder, spec, splits, task.task.evaluations)
    except OSError as error:
        raise UserError(f"Cannot write the arrays of {task.name} to {folder}: {error.strerror or error}.") from error
    meta = {
        "spec": spec_to_json(spec),
        "rows": {"train": len(splits.train), "valid": len(splits.valid)}
        | {name: len(split) for name, split in splits.tests.items()},
        "checksum": checksum,
        "levels": levels,
    }
    write_json(folder / "meta.json", meta)
    return meta


def read_meta(folder: Path) -> dict[str, Any]:
    """Return the content of ``meta.json``."""
    return json.loads((folder / "meta.json").read_text())


def _require_rows(name: str, splits: Splits) -> None:
    for place, split in {"train": splits.train, "valid": splits.valid, **splits.tests}.items():
        if not len(split):
            raise UserError(f"Task '{name}' has no rows in its {place} split.")


def _levels(task: PlannedTask, splits: Splits) -> list[dict[str, Any]]:
    constant = [
        {"evaluation": e.name, "name": kind, "value": value, "kind": kind, "summary": ""}
        for e in task.task.evaluations
        for kind, value in (("chance", e.chance), ("ceiling", e.ceiling))
        if value is not None
    ]
    computed = [asdict(level) for level in task.task.reference_scores(splits)]
    levels = [level for level in constant + computed if math.isfinite(level["value"])]
    return [{**level, "column": task.column(level.pop("evaluation"))} for level in levels]


def task_card(task: PlannedTask, meta: dict[str, Any]) -> dict[str, Any]:
    """Return a task's card for pages; `meta` is empty if the task could not be prepared."""
    return {
        "task": task.name,
        "tier": task.tier.name,
        "summary": task.entry.declared.get("summary", ""),
        "suites": list(task.entry.declared.get("suites", ())),
        "needs": list(task.entry.declared.get("needs", ())),
        "sources": [
            {"name": source.name, "summary": source.summary, "licence": source.licence}
            for source in task.task.data_sources
        ],
        "reduced": task.reduced,
        "evaluations": [
            {
                "column": task.column(e.name),
                "metric": e.scorer.name,
                "direction": e.scorer.direction,
                "unit": e.scorer.unit,
                "summary": e.summary,
                "chance": e.chance,
                "ceiling": e.ceiling,
                "slices": list(e.slices),
            }
            for e in task.task.evaluations
        ],
        "levels": meta.get("levels") or [],
        "spec": meta.get("spec", {}),
        "rows": meta.get("rows", {}),
    }
