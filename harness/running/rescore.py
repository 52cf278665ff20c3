"""Score the stored predictions of a record again."""

from __future__ import annotations

from pathlib import Path

from ..contract.registry import Registry
from ..data.prepare import is_prepared, prepare, prepared_folder, read_meta
from ..errors import UserError
from ..planning.plan import plan_task
from ..planning.tier import get_tier
from ..records.record import Record, Score
from ..records.store import ResultStore
from .score import NotFiniteError, score


def rescored(record: Record, store: ResultStore, registry: Registry, data: Path) -> dict[str, Score]:
    """Return the scores of a record's predictions with the task's current metrics.

    Raises
    ------
    UserError
        If some predictions were not kept or do not match the record, or if the task's rows have changed.
    """
    assert record.predictions is not None
    record.predictions.read(store.folder)  # fails if the file was changed
    task = plan_task(registry.find("task", record.cell.task), get_tier(record.cell.tier), data)
    arrays = prepared_folder(store.folder.resolve() / "work", task, record.cell.seed)
    if not is_prepared(arrays):
        prepare(task, record.cell.seed, data, arrays, with_reference_scores=False)
    if read_meta(arrays).checksum != record.data.checksum:
        raise UserError("the task's rows have changed since the record was scored.")
    try:
        return score(task, arrays, store.folder / record.predictions.file)
    except NotFiniteError:
        raise
    except UserError as error:
        raise UserError(f"only the first rows of its predictions were kept ({error})") from error
