"""``archarena clean``: delete files that no record needs from a results folder."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer

from ..errors import UserError
from .options import Results
from .output import say

_ARTIFACT = re.compile(r"[0-9a-f]{64}\.safetensors(\.z)?")
_WORK = {
    "data": (re.compile(r".+-s\d+-[0-9a-f]{12}"), "prepared arrays"),
    "prepare": (re.compile(r".+-s\d+-[0-9a-f]{12}"), "unfinished arrays"),
    "cells": (re.compile(r"[0-9a-f]{64}"), "unfinished trial"),
}
"""Folders of ``work/`` with the names of the folders that a run writes there."""


def command(
    results: Results = Path("results"),
    yes: Annotated[bool, typer.Option("--yes", help="Delete the listed files.")] = False,
) -> None:
    """List what can be deleted: prepared arrays, unfinished trials, and artifacts that no record refers to.

    Records and the files they refer to stay. A task's arrays are prepared again when needed, and an
    unfinished trial restarts from the beginning. Only files that `archarena run` named are deleted, and
    nothing behind a link.

    Example: archarena clean --results results --yes
    """
    from ..records.store import MARKER, ResultStore
    from ..running.lock import locked

    if not results.is_dir():
        raise UserError(f"There is no results folder {results}.")
    if not ResultStore(results).is_marked:
        raise UserError(
            f"{results} has no file {MARKER}, so it may not be a results folder: `archarena run` writes this file."
        )
    with locked(results):
        found = list(_superfluous(results))
        for path, what in found:
            say(f"  {_size(path) / 2**20:8.1f} MiB  {path}: {what}")
            if yes:
                shutil.rmtree(path) if path.is_dir() else path.unlink()
    files = "file or folder" if len(found) == 1 else "files and folders"
    say(f"{len(found)} {files} {'deleted' if yes else 'can be deleted; use --yes to delete them'}.")


def _superfluous(results: Path) -> Iterator[tuple[Path, str]]:
    from ..records.store import WORK, ResultStore

    for name, (pattern, what) in _WORK.items():
        for path in _own_entries(results / WORK / name):
            if pattern.fullmatch(path.name) and path.is_dir() and not path.is_symlink():
                yield path, what
    store, records = ResultStore(results), results / "records"
    for folder in filter(Path.is_dir, _entries(records)):
        _entries(folder)  # raises an error, where a pattern would find nothing
    unreadable = store.unreadable() if records.is_dir() else [records]
    if unreadable:
        say(f"  {unreadable[0]} cannot be read: files that no record names are kept.")
        return
    kept = [*store.read(), *store.forgotten()]
    named = {file.file for record in kept for file in record.artifacts}
    for kind in ("predictions", "weights", "rows"):
        for path in _own_entries(results / kind):
            is_ours = _ARTIFACT.fullmatch(path.name) and path.is_file() and not path.is_symlink()
            if is_ours and f"{kind}/{path.name}" not in named:
                yield path, "no record names it"


def _own_entries(folder: Path) -> list[Path]:
    """Return the entries of a folder, or none if it is a link."""
    if folder.is_symlink():
        say(f"  {folder} is a link: nothing behind it is deleted.")
        return []
    return _entries(folder)


def _entries(folder: Path) -> list[Path]:
    """Return the entries of a folder, or none if there is no such folder; raise `UserError` if it cannot be read."""
    try:
        return sorted(folder.iterdir())
    except FileNotFoundError:
        return []
    except OSError as error:
        raise UserError(f"{folder} cannot be read, so nothing is deleted: {error.strerror}.") from None


def _size(path: Path) -> int:
    files = [path] if path.is_file() else [file for file in path.rglob("*") if file.is_file()]
    return sum(file.stat().st_size for file in files)
