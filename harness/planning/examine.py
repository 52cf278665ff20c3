"""Run the code of plugins in a child process before this process runs it; some of it runs only there.

Plugins can exit, crash or hang. Built-in models and tasks are trusted, so planning them starts no process.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from ..contract.data_source import FETCH_SECONDS
from ..contract.scan import Entry
from ..processes.in_child import call_in_child
from .job import ClassLocation
from .source_hash import source_hash
from .tier import get_tier

_passed: set[tuple[str, ...]] = set()
"""Questions that were answered without an error; they are not asked again in this process."""


def examine_task(entry: Entry, tier: str, data: Path) -> None:
    """Make a plugin's task in a child process; raise `UserError` if that fails."""
    seconds = FETCH_SECONDS if os.environ.get("ARCHARENA_HUB") == "1" else None
    known = ("task", source_hash(entry), tier, str(data) if entry.declared.get("needs") else "")
    _examine(entry, known, _make_task, tier, str(data), seconds=seconds)


def examine_hyperparameters(entry: Entry, grid: Mapping[str, tuple[Any, ...]]) -> None:
    """Check hyperparameters of a plugin's model in a child process; raise `UserError` if one is invalid."""
    values = {name: list(values) for name, values in grid.items()}
    _examine(entry, ("model", source_hash(entry), repr(values)), _check_hyperparameters, values)


def _examine(
    entry: Entry, known: tuple[str, ...], function: Callable[..., None], *arguments: Any, seconds: float | None = None
) -> None:
    question = (entry.class_name, *known)
    if question not in _passed:
        location = ClassLocation.of(entry).model_dump(mode="json")
        what = f"The code of {entry.kind} '{entry.name}' in {entry.origin}"
        call_in_child(what, function, location, *arguments, seconds=seconds)
        _passed.add(question)


def _make_task(location: dict[str, Any], tier: str, data: str) -> None:
    """Use everything of a task that the parent process uses while it plans and records."""
    from .key import data_identity
    from .plan import load_task

    task = load_task(ClassLocation.model_validate(location).entry, get_tier(tier), Path(data))
    data_identity(task)
    assert all(task.column(e.name) and e.scorer and e.predictions for e in task.task.evaluations)
    assert task.budget is not None
    assert task.reduced is not None


def _check_hyperparameters(location: dict[str, Any], grid: dict[str, list[Any]]) -> None:
    from ..contract.hyperparameters import check_grid

    check_grid(ClassLocation.model_validate(location).load(), grid)
