"""Score the stored predictions of a record again."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ..contract.registry import Registry
from ..data.prepare import is_prepared, prepare, prepared_folder, read_meta
from ..errors import UserError
from ..planning.cell import PlannedTask
from ..planning.find import find_entry
from ..planning.job import ClassLocation
from ..planning.plan import plan_task
from ..planning.tier import get_tier
from ..processes.in_child import call_in_child
from ..records.record import Record, Score
from ..records.row_scores import RowScores
from ..records.store import WORK, ResultStore
from .run import PREPARE_SECONDS
from .score import NotFiniteError, score


def rescored(record: Record, store: ResultStore, registry: Registry, data: Path) -> tuple[dict[str, Score], RowScores]:
    """Return the scores of a record's predictions with the task's current metrics, and those per row.

    Raises
    ------
    UserError
        If some predictions were not kept or do not match the record, or if the task's rows have changed.
    """
    assert record.predictions is not None
    record.predictions.read(store.folder)  # fails if the file was changed
    task = plan_task(find_entry(registry, "task", record), get_tier(record.cell.tier), data)
    arrays = prepared_folder(store.folder.resolve() / WORK, task, record.cell.seed)
    if not is_prepared(arrays):
        _prepare(task, record.cell.seed, data, arrays)
    if read_meta(arrays).checksum != record.data.checksum:
        raise UserError("the task's rows have changed since the record was scored.")
    try:
        return score(task, arrays, store.folder / record.predictions.file)
    except NotFiniteError:
        raise
    except UserError as error:
        raise UserError(f"only the first rows of its predictions were kept ({error})") from error


def _prepare(task: PlannedTask, seed: int, data: Path, arrays: Path) -> None:
    """Prepare a task's arrays, in a child process if the task is a plugin's."""
    if not task.entry.is_plugin:
        prepare(task, seed, data, arrays, with_reference_scores=False)
        return
    location = ClassLocation.of(task.entry).model_dump(mode="json")
    what = f"The code of task '{task.name}' that prepares its data"
    places = (str(data), str(arrays))
    call_in_child(what, _prepare_plugin, location, task.tier.name, seed, *places, seconds=PREPARE_SECONDS)


def _prepare_plugin(location: dict[str, Any], tier: str, seed: int, data: str, arrays: str) -> None:
    task = PlannedTask.of(ClassLocation.model_validate(location).entry, get_tier(tier))
    prepare(task, seed, Path(data), Path(arrays), with_reference_scores=False)
