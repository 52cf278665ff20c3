"""Check an entry: a plugin's in a child process, because it may exit, crash or hang."""

from __future__ import annotations

from dataclasses import astuple
from pathlib import Path
from typing import Any

from ..contract.scan import Entry
from ..errors import UserError
from ..planning.job import ClassLocation
from ..processes.in_child import call_in_child
from .findings import Finding

SECONDS = 600.0
"""Time limit for all checks of a plugin's model or task."""


def check(entry: Entry, data: Path) -> list[Finding]:
    """Return the findings about a model or task; `data` is the data folder."""
    location = ClassLocation.of(entry).model_dump(mode="json")
    if not entry.is_plugin:
        return [Finding(*finding) for finding in _check(location, str(data))]
    try:
        found = call_in_child("The code under test", _check, location, str(data), seconds=SECONDS)
    except UserError as error:
        return [Finding("process", "failed", str(error))]
    return [Finding(*finding) for finding in found]


def _check(location: dict[str, Any], data: str) -> list[tuple[Any, ...]]:
    from .models import check_model
    from .tasks import check_task

    entry = ClassLocation.model_validate(location).entry
    return [astuple(f) for f in (check_model(entry) if entry.kind == "model" else check_task(entry, data=Path(data)))]
