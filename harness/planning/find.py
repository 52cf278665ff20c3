"""Finding a record by a cell name or key."""

from __future__ import annotations

import itertools
import shlex
from collections.abc import Sequence
from pathlib import Path

from ..contract.registry import Registry
from ..contract.scan import Entry, Kind
from ..errors import UserError, did_you_mean
from ..records.record import Record
from ..records.store import ResultStore
from .cell import Cell, Plan, Variant, cell_name
from .plan import make_cell, plan_task
from .tier import get_tier

SHOWN = 8
"""Number of cells that a message lists."""


def name_of(record: Record) -> str:
    """Return the name of a record's cell; see `archarena.harness.planning.cell.cell_name`."""
    cell = record.cell
    return cell_name(cell.variant, cell.task, cell.tier, cell.recipe, cell.seed)


def find_record(folders: Sequence[Path], cell: str) -> tuple[ResultStore, Record]:
    """Return the newest record of a cell, given its name, a prefix of it or of a key, with the store that has it.

    Raises
    ------
    UserError
        If no record matches, or records of several cells.
    """
    stores = [ResultStore(folder) for folder in folders]
    records = [(store, record) for store in stores for record in store.read()]
    found = [pair for pair in records if cell in (name_of(pair[1]), pair[1].key)]
    found = found or [pair for pair in records if matches(pair[1], cell)]
    names = sorted({name_of(record) for _, record in found})
    if not names:
        hint = f"{did_you_mean(cell, {name_of(record) for _, record in records})} Use the form VARIANT/TASK/TIER/sSEED."
        raise UserError(f"{', '.join(map(str, folders))} has no record of '{cell}'.{hint}")
    if len(names) > 1:
        more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
        listed = ", ".join(names[:SHOWN]) + more
        raise UserError(f"'{cell}' matches {len(names)} cells: {listed}. Name one, with its tier and seed.")
    return max(found, key=lambda pair: pair[1].order)


def matches(record: Record, cell: str) -> bool:
    """Return whether a name is that of a record's cell or its start, or at least six characters of its key."""
    name = name_of(record)
    return name == cell or name.startswith(f"{cell}/") or (len(cell) >= 6 and record.key.startswith(cell))


def find_entry(registry: Registry, kind: Kind, record: Record) -> Entry:
    """Return the model or task of a record; if it is not registered, raise `UserError` with what to pass."""
    name = record.cell.model if kind == "model" else record.cell.task
    plugins = recorded_plugins(record)
    if name in registry.of_kind(kind) or not plugins:
        return registry.find(kind, name)
    options = " ".join(f"--plugin {plugin}" for plugin in plugins)
    raise UserError(f"The {kind} '{name}' is a plugin's: add {options}.")


def recorded_plugins(record: Record) -> list[str]:
    """Return the plugin files in the command of a record."""
    words = shlex.split(record.command)
    return [value for option, value in itertools.pairwise(words) if option == "--plugin"]


def recorded_cell(record: Record, registry: Registry, data: Path) -> Cell:
    """Return a record's cell, built from the current model and task; raise `UserError` if one is not available."""
    settings = tuple(sorted(record.cell.hyperparameters.items()))
    variant = Variant(find_entry(registry, "model", record), settings)
    task = plan_task(find_entry(registry, "task", record), get_tier(record.cell.tier), data)
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
