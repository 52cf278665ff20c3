"""``archarena why``: explain why a cell would run again."""

from __future__ import annotations

from typing import Annotated

import typer

from .options import DEFAULT_RESULTS, Data, Device, ManyResults, Plugins, open_registry
from .output import say


def command(
    cell: Annotated[str, typer.Argument(help="VARIANT/TASK[/TIER/sSEED], or the start of a key")],
    results: ManyResults = None,
    plugins: Plugins = None,
    data: Data = None,
    device: Device = "auto",
) -> None:
    """Say whether a cell would run again, and which part of its key changed.

    Example: archarena why mamba/recall-mqar/quick/s0
    """
    from ..contract.data_source import data_folder
    from ..planning.cell import Plan
    from ..planning.find import find_record, name_of, recorded_cell
    from ..planning.key import changed_parts
    from ..running.environment import resolve_device
    from ..running.run import Run

    store, record = find_record(results or DEFAULT_RESULTS, cell)
    registry, folder = open_registry(plugins), data_folder(data)
    plan = Plan((recorded_cell(record, registry, folder),))
    now = Run(plan, store, folder, resolve_device(device)).keyed()[0]
    changed = changed_parts(record.key_parts, now.parts)
    if changed:
        say(f"{name_of(record)} would run again, because these parts of its key changed:")
        for name, (old, new) in changed.items():
            say(f"  {name}: {_short(old)} -> {_short(new)}")
    elif record.is_final:
        say(f"{name_of(record)} would not run again: its record ({record.status}) has the same key.")
    else:
        say(f"{name_of(record)} would run again, because it ended as {record.status}: {record.reason}")


def _short(value: object) -> str:
    text = str(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
