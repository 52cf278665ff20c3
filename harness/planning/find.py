"""Finding a record by a cell name or key."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ..contract.registry import Registry
from ..errors import UserError, did_you_mean
from ..records.record import Record
from ..records.store import ResultStore
from .cell import Cell, Plan, Variant, cell_name
from .plan import make_cell, plan_task
from .tier import get_tier


def name_of(record: Record) -> str:
    """Return the name of a record's cell; see `archarena.harness.planning.cell.cell_name`."""
    cell = record.cell
    return cell_name(cell.variant, cell.task, cell.tier, cell.recipe, cell.seed)


def find_record(results: Path, cell: str) -> Record:
    """Return the newest record that matches a cell name, a prefix of one, or a prefix of a key.

    Raises `UserError` if no record matches.
    """
    return _newest(list(ResultStore(results).read()), results, cell)


def _newest(records: Sequence[Record], results: Path, cell: str) -> Record:
    names = {name_of(record) for record in records}
    found = [record for record in records if name_of(record) == cell or record.key == cell]
    found = found or [record for record in records if _begins(record, cell)]
    if not found:
        hint = f"{did_you_mean(cell, names)} Use the form VARIANT/TASK/TIER/sSEED."
        raise UserError(f"{results} has no record of '{cell}'.{hint}")
    return max(found, key=lambda record: record.order)


def find_one_cell(results: Path, cell: str) -> Record:
    """Return the newest record as `find_record`, or raise `UserError` if records of several cells match."""
    records = list(ResultStore(results).read())
    record = _newest(records, results, cell)
    if cell not in (name_of(record), record.key):
        names = sorted({name_of(found) for found in records if _begins(found, cell)})
        if len(names) > 1:
            raise UserError(
                f"'{cell}' matches {len(names)} cells, such as {names[0]} and {names[1]}. Name one of them."
            )
    return record


def recorded_cell(record: Record, registry: Registry, data: Path) -> Cell:
    """Return a record's cell, built from the current model and task; raise `UserError` if one is not available."""
    settings = tuple(sorted(record.cell.hyperparameters.items()))
    variant = Variant(registry.find("model", record.cell.model), settings)
    task = plan_task(registry.find("task", record.cell.task), get_tier(record.cell.tier), data)
    return make_cell(variant, task, record.cell.seed, record.cell.recipe)


def recorded_plan(
    results: Path, registry: Registry, *, tier: str, recipe: str, seeds: Sequence[int] | None, data: Path
) -> Plan:
    """Return a plan of all cells of a tier and recipe that have a record, with a note for each one left out.

    Raises `UserError` if there are none.
    """
    cells: dict[str, Cell] = {}
    notes: dict[str, str] = {}
    for record in ResultStore(results).read():
        name, cell = name_of(record), record.cell
        if (cell.tier, cell.recipe) != (tier, recipe) or (seeds is not None and cell.seed not in seeds):
            continue
        if name in cells or name in notes:
            continue
        try:
            cells[name] = recorded_cell(record, registry, data)
        except UserError as error:
            notes[name] = f"Left out {name}: {error}"
    if not cells:
        found = " ".join([f"{results} has no record at tier {tier} with the {recipe} recipe to run.", *notes.values()])
        raise UserError(found)
    return Plan(tuple(cells.values()), tuple(notes.values()))


def _begins(record: Record, cell: str) -> bool:
    return name_of(record).startswith(f"{cell}/") or (len(cell) >= 6 and record.key.startswith(cell))
