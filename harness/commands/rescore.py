"""``archarena rescore``: recompute scores from saved predictions with the current metrics."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ..errors import UserError
from .options import Data, Plugins, Results, Tasks, open_registry
from .output import say

if TYPE_CHECKING:
    from ..contract.registry import Registry
    from ..records.record import Score
    from ..records.store import ResultStore


def command(
    results: Results = Path("results"),
    tasks: Tasks = None,
    plugins: Plugins = None,
    data: Data = None,
    yes: Annotated[bool, typer.Option("--yes", help="Write the new scores into the records.")] = False,
) -> None:
    """Recompute scores from saved predictions and list those that differ, without training.

    Like a run, it works alone in a results folder, because it prepares data there and may write records.

    Example: archarena rescore --task math --yes
    """
    from ..contract.data_source import data_folder
    from ..records.store import ResultStore
    from ..running.lock import locked

    if not results.is_dir():
        raise UserError(f"There is no results folder {results}.")
    registry, folder, names = open_registry(plugins), data_folder(data), set(tasks or ())
    for name in names:
        registry.find("task", name)
    with locked(results):
        changed = _rescore(ResultStore(results), registry, folder, names, yes)
    records = "record" if changed == 1 else "records"
    say(f"{changed} {records} {'changed' if yes else 'would change; use --yes to write'}.")


def _rescore(store: ResultStore, registry: Registry, folder: Path, tasks: set[str], yes: bool) -> int:
    """Print the scores that differ, write them if `yes`, and return the number of records that they are in."""
    from ..running.rescore import rescored

    changed, listed = 0, False
    for record in list(store.read()):
        if record.predictions is None or (tasks and record.cell.task not in tasks):
            continue
        name_of_cell = f"{record.cell.variant} on {record.cell.task} s{record.cell.seed}"
        try:
            scores, per_row = rescored(record, store, registry, folder)
        except UserError as error:
            reason, known, names = str(error).partition(" Known: ")
            say(f"  skipped {name_of_cell}: {reason}{known * (not listed)}{names * (not listed)}")
            listed = listed or bool(known)
            continue
        moved = {name: score for name, score in scores.items() if _changed(record.scores.get(name), score)}
        if yes and (moved or record.row_scores is None):
            rows = per_row.write(store.folder, record.key)
            update = {"scores": {**record.scores, **scores}, "row_scores": rows}
            store.write(record.model_copy(update=update))
        for name, score in moved.items():
            old = record.scores.get(name)
            say(f"  {name_of_cell}, {name}: {old.value if old else None} -> {score.value}")
        changed += bool(moved)
    return changed


def _changed(old: Score | None, new: Score) -> bool:
    """Return whether a score changed; older records have no standard error and no scores per row."""
    added = {"standard_error": new.standard_error, "clusters": new.clusters}
    return old is None or old.model_copy(update=added) != new
