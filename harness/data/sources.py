"""The data sources of all tasks: their status, fetching and importing. Those of plugins run in a child process."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..contract.data_source import FETCH_SECONDS
from ..contract.registry import Registry, data_sources
from ..errors import UserError, unknown
from ..planning.job import ClassLocation
from ..processes.in_child import call_in_child

if TYPE_CHECKING:
    from ..contract.data_source import DataSource


@dataclass(frozen=True)
class SourceStatus:
    """A data source, with its path, or else with what is missing."""

    name: str
    summary: str
    license: str
    path: str | None
    missing: str


def statuses(registry: Registry, folder: Path) -> list[SourceStatus]:
    """Return the status of all data sources, sorted by name; raise `UserError` if a plugin's code fails."""
    built_in, plugins = _split(registry)
    found = _statuses(built_in, str(folder))
    if plugins:
        found += call_in_child("The code of a plugin's data source", _statuses, plugins, str(folder))
    return [SourceStatus(**status) for status in sorted(found, key=lambda status: status["name"])]


def fetch(registry: Registry, name: str, folder: Path) -> str:
    """Fetch a data source from the hub, if it is absent, and return its path."""
    return _for_owner(registry, _fetch, name, str(folder))


def adopt(registry: Registry, name: str, path: Path, folder: Path) -> str:
    """Check files at a path, copy them into the data folder, and return the new path."""
    return _for_owner(registry, _adopt, name, str(folder), str(path))


def _split(registry: Registry) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Return the locations of the built-in tasks that need data, and of the plugins' ones."""
    needy = [entry for entry in registry.tasks.values() if entry.declared.get("needs")]
    return _locations(e for e in needy if not e.is_plugin), _locations(e for e in needy if e.is_plugin)


def _locations(entries: Any) -> list[dict[str, Any]]:
    return [ClassLocation.of(entry).model_dump(mode="json") for entry in entries]


def _for_owner(registry: Registry, function: Any, name: str, *arguments: str) -> str:
    built_in, plugins = _split(registry)
    known = sorted(_load(built_in))
    if name in known:
        return function(built_in, known, name, *arguments)
    if not plugins:
        raise unknown("data set", name, known)
    what = "The code of a plugin's data source"
    return call_in_child(what, function, plugins, known, name, *arguments, seconds=FETCH_SECONDS)


def _load(locations: Sequence[dict[str, Any]]) -> dict[str, DataSource]:
    return data_sources(ClassLocation.model_validate(location).entry for location in locations)


def _find(locations: Sequence[dict[str, Any]], known: Sequence[str], name: str) -> DataSource:
    sources = _load(locations)
    if name not in sources:
        raise unknown("data set", name, sorted({*known, *sources}))
    return sources[name]


def _statuses(locations: Sequence[dict[str, Any]], place: str) -> list[dict[str, Any]]:
    folder, found = Path(place), []
    for name, source in _load(locations).items():
        path = source.find(folder)
        missing = "" if path else source.missing(folder)
        found.append(asdict(SourceStatus(name, source.summary, source.license, str(path) if path else None, missing)))
    return found


def _adopt(locations: Sequence[dict[str, Any]], known: Sequence[str], name: str, folder: str, path: str) -> str:
    return str(_find(locations, known, name).adopt(Path(path), Path(folder)))


def _fetch(locations: Sequence[dict[str, Any]], known: Sequence[str], name: str, place: str) -> str:
    from rich.console import Console
    from rich.progress import Progress, TaskID, TextColumn, TimeElapsedColumn

    source, folder = _find(locations, known, name), Path(place)
    if source.find(folder) is None and os.environ.get("ARCHARENA_HUB") != "1":
        raise UserError(f"Fetching '{name}' uses the Hugging Face hub: set ARCHARENA_HUB=1 to allow it.")
    columns = (TextColumn("{task.description}: {task.completed:,.0f} rows"), TimeElapsedColumn())
    bars: dict[str, TaskID] = {}
    with Progress(*columns, console=Console(stderr=True)) as progress:

        def report(part: str, rows: int) -> None:
            if part not in bars:
                bars[part] = progress.add_task(f"{name} {part}", total=None)
            progress.update(bars[part], completed=rows)

        return str(source.find(folder) or source.fetch(folder, report))
