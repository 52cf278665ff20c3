"""``archarena clean``: delete files that no record needs from a results folder."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer

from .options import Results


def command(
    results: Results = Path("results"),
    yes: Annotated[bool, typer.Option("--yes", help="Delete the listed files.")] = False,
) -> None:
    """List what can be deleted: prepared arrays, unfinished trials, and artifacts that no record refers to.

    Records and the files they refer to stay. A task's arrays are prepared again when needed, and an
    unfinished trial restarts from the beginning.

    Example: archarena clean --results results --yes
    """
    from ..errors import UserError
    from ..running.lock import locked

    if not results.is_dir():
        raise UserError(f"There is no results folder {results}.")
    with locked(results):
        found = list(_superfluous(results))
        for path, what in found:
            typer.echo(f"  {_size(path) / 2**20:8.1f} MiB  {path}: {what}")
            if yes:
                shutil.rmtree(path) if path.is_dir() else path.unlink()
    typer.echo(f"{len(found)} {'deleted' if yes else 'may be deleted; --yes deletes them'}.")


def _superfluous(results: Path) -> Iterator[tuple[Path, str]]:
    from ..records.store import ResultStore

    for name, what in (("data", "prepared arrays"), ("cells", "unfinished trials"), ("prepare", "unfinished arrays")):
        if (results / "work" / name).is_dir():
            yield results / "work" / name, what
    records = list(ResultStore(results).read())
    named = {file.file for record in records for file in (record.predictions, record.weights) if file}
    for folder in ("predictions", "weights"):
        for path in sorted((results / folder).glob("*.safetensors")):
            if f"{folder}/{path.name}" not in named:
                yield path, "no record names it"


def _size(path: Path) -> int:
    files = [path] if path.is_file() else [file for file in path.rglob("*") if file.is_file()]
    return sum(file.stat().st_size for file in files)
