"""``archarena verify``: check whether a cell's record can be reproduced."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Annotated

import typer

from .options import Data, Device, Plugins, Results, open_registry
from .output import say


def command(
    cell: Annotated[str, typer.Argument(help="VARIANT/TASK[/TIER/sSEED], or the start of a key")],
    results: Results = Path("results"),
    plugins: Plugins = None,
    data: Data = None,
    device: Device = "auto",
    tolerance: Annotated[float, typer.Option("--tolerance", min=0.0, help="Maximum difference of a score.")] = 0.01,
) -> None:
    """Run one cell again in a temporary folder and compare its scores with the record's.

    Exit code: 0 if every score is within the tolerance, 1 if not.

    Example: archarena verify mamba/recall-mqar/quick/s0
    """
    from ..contract.data_source import data_folder
    from ..planning.cell import Plan
    from ..planning.find import find_record, name_of, recorded_cell
    from ..planning.key import changed_parts
    from ..records.store import ResultStore
    from ..running.environment import resolve_device
    from ..running.executor import Local
    from ..running.run import Run
    from ..running.runner import Runner

    record, folder = find_record(results, cell), data_folder(data)
    plan = Plan((recorded_cell(record, open_registry(plugins), folder),))
    with tempfile.TemporaryDirectory() as place:
        run = Run(plan, ResultStore(Path(place)), folder, resolve_device(device), plugins or ())
        (again,) = Runner(run, Local(1)).execute().records
    for name, (old, new) in changed_parts(record.key_parts, again.key_parts).items():
        say(f"  differs from the record: {name}: {str(old)[:60]} -> {str(new)[:60]}")
    if again.data.checksum != record.data.checksum:
        say("  differs from the record: the data rows")
    same = again.status == record.status
    if not same:
        say(f"  ended as {again.status}, not {record.status}: {again.reason}")
    for column, old in record.scores.items():
        new = again.scores[column].value if column in again.scores else None
        close = old.value == new or (old.value is not None and new is not None and abs(new - old.value) <= tolerance)
        say(f"  {column}: {old.value} -> {new}{'' if close else ' (differs)'}")
        same &= close
    say(f"{name_of(record)} {'was' if same else 'was not'} reproduced.")
    if not same:
        raise typer.Exit(1)
