"""The key of a cell: a hash of everything that can change its result, computed before it runs.

The parts are stored with the hash, so that `archarena why` can report which of them changed.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from ..contract.scan import Entry
from ..records.hashes import canonical_hash
from .cell import Cell, PlannedTask
from .named_files import default_texts, named_files
from .recipe import PROTOCOL, Training
from .source_hash import source_hash


def key_parts(cell: Cell, *, device: str, torch_version: str) -> dict[str, Any]:
    """Return the parts of the key as JSON values.

    Parameters
    ----------
    device
        Name of the device that the trial runs on.
    torch_version
        ``major.minor`` of torch.
    """
    tier, training = cell.task.tier, cell.training
    on_cpu = not device.startswith("cuda")
    hyperparameters = cell.variant.model_hyperparameters | dict(training.hyperparameters if training else ())
    files = _files_of(cell.variant.entry, hyperparameters)
    return {
        "protocol": PROTOCOL,
        "model": cell.variant.entry.name,
        "model_source": source_hash(cell.variant.entry),
        "hyperparameters": hyperparameters,
        "task": cell.task.name,
        "task_source": source_hash(cell.task.entry),
        "data": data_identity(cell.task),
        "budget": _budget(training),
        "tier": {"name": tier.name} | _size(cell),
        "recipe": json.loads(json.dumps(asdict(training.recipe))) if training else {"name": cell.recipe},
        "seed": cell.seed,
        "precision": "fp32" if on_cpu else tier.precision,
        "compile": tier.compile and not on_cpu,
        "threads": tier.threads,
        "device": device,
        "torch": torch_version,
        **({"files": files} if files else {}),
    }


def _files_of(entry: Entry, hyperparameters: Mapping[str, Any]) -> dict[str, str]:
    """Return the hashes of the files that hyperparameters name: of a plugin, also its defaults, next to its file."""
    if not entry.is_plugin:
        return named_files(hyperparameters)
    return named_files([*default_texts(entry), hyperparameters], entry.file.parent)


def _budget(training: Training | None) -> dict[str, int | None]:
    if training is None:
        return {}
    length = {"steps": training.steps} if training.epochs is None else {"epochs": training.epochs}
    return {**length, "batch": training.batch}


def _size(cell: Cell) -> dict[str, int]:
    if cell.training is not None and cell.training.size is not None:
        return asdict(cell.training.size)
    return {"depth": cell.depth, "body_parameters": cell.task.tier.body_parameters}


def key_of(parts: Mapping[str, Any]) -> str:
    """Return the key: the SHA-256 of the parts as canonical JSON."""
    return canonical_hash(parts)


def data_identity(task: PlannedTask) -> dict[str, Any]:
    """Return what identifies a task's data: its version, arguments and data sources, and the files that it names."""
    arguments = json.loads(json.dumps(dict(task.task.arguments[task.tier.name])))
    sources = {source.name: source.identity() for source in task.task.data_sources}
    files = named_files(arguments)
    identity = {"version": task.task.version, "arguments": arguments, "sources": sources}
    return identity | ({"files": files} if files else {})


def changed_parts(old: Mapping[str, Any], new: Mapping[str, Any]) -> dict[str, tuple[Any, Any]]:
    """Return the parts in which two keys differ, each with its old and new value."""
    names = sorted(old.keys() | new.keys())
    return {name: (old.get(name), new.get(name)) for name in names if old.get(name) != new.get(name)}
