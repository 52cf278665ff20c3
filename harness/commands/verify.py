"""``archarena verify``: check whether a cell's record can be reproduced."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ..errors import UserError
from .options import Data, Device, Plugins, Results, open_registry
from .output import say

if TYPE_CHECKING:
    from ..planning.cell import Cell
    from ..records.record import Record, Score

MACHINE = {"device", "torch", "precision", "compile", "threads"}
"""Parts of a key under which a trial does the same computation, but rounds differently."""

ROUNDING = 1e-6
"""Relative difference of scores that count as equal."""


def command(
    cell: Annotated[str, typer.Argument(help="VARIANT/TASK[/TIER/sSEED], or the start of a key")],
    results: Results = Path("results"),
    plugins: Plugins = None,
    data: Data = None,
    device: Device = "auto",
    tolerance: Annotated[
        float | None,
        typer.Option("--tolerance", min=0.0, help="Maximum difference of a score. Default: its own noise."),
    ] = None,
) -> None:
    """Run one cell again in a temporary folder and compare its scores with the record's.

    On the record's CPU and torch version, the scores must be equal up to rounding. On another machine or a GPU, they
    may differ by one standard error over the test rows.

    Exit code: 0 if every score is within the tolerance, 1 if not, 2 if the record has no scores to compare.

    Example: archarena verify mamba/recall-mqar/quick/s0
    """
    from ..contract.data_source import data_folder
    from ..planning.cell import Plan
    from ..planning.find import find_record, name_of
    from ..planning.key import changed_parts
    from ..records.store import ResultStore
    from ..running.environment import resolve_device
    from ..running.executor import Local
    from ..running.run import Run
    from ..running.runner import Runner

    record, folder = find_record([results], cell)[1], data_folder(data)
    plan = Plan((_cell_of(record, plugins, folder),))
    with tempfile.TemporaryDirectory() as place:
        run = Run(plan, ResultStore(Path(place)), folder, resolve_device(device), plugins or ())
        (again,) = Runner(run, Local(1)).execute().records
    changed = changed_parts(record.key_parts, again.key_parts)
    if again.data.checksum != record.data.checksum:
        changed["data rows"] = (record.data.checksum, again.data.checksum)
    for name, (old, new) in changed.items():
        say(f"  differs from the record: {name}: {str(old)[:60]} -> {str(new)[:60]}")
    same = again.status == record.status
    if not same:
        say(f"  ended as {again.status}, not {record.status}: {again.reason}")
    exact = not (changed.keys() or again.key_parts["device"].startswith("cuda")) or bool(changed.keys() - MACHINE)
    for column, old in record.scores.items():
        new = again.scores.get(column)
        allowed = tolerance if tolerance is not None else _noise(old, new, exact=exact)
        close = new is not None and _is_close(old.value, new.value, allowed)
        value = new.value if new else None
        say(f"  {column}: {old.value} -> {value}, tolerance {allowed:.2g}{'' if close else ' (differs)'}")
        same &= close
    say(f"{name_of(record)} {'was' if same else 'was not'} reproduced.")
    if not same:
        raise typer.Exit(1)


def _cell_of(record: Record, plugins: list[Path] | None, data: Path) -> Cell:
    """Return the cell of a record that can be verified; raise `UserError` if it has no scores or no current recipe."""
    from ..planning.find import name_of, recorded_cell

    name = name_of(record)
    if record.status != "ok" or all(score.value is None for score in record.scores.values()):
        reason = f": {record.reason}" if record.reason else ""
        raise UserError(f"{name} has no scores to verify. It has status {record.status}{reason}")
    cell = recorded_cell(record, open_registry(plugins), data)
    if cell.training is None:
        raise UserError(f"{name} cannot be verified: the card of {record.cell.model} no longer has its recipe.")
    if cell.name != name:
        raise UserError(f"{name} cannot be verified: its model and hyperparameters are those of {cell.name}.")
    return cell


def _noise(old: Score, new: Score | None, *, exact: bool) -> float:
    """Return the largest difference of two runs: rounding, or one standard error over the test rows."""
    rounding = ROUNDING * abs(old.value or 0.0)
    return rounding if exact or new is None else max(rounding, new.standard_error or 0.0)


def _is_close(old: float | None, new: float | None, tolerance: float) -> bool:
    return old == new or (old is not None and new is not None and abs(new - old) <= tolerance)
