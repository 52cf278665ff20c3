"""``archarena submit``: pack a plugin and its records into one file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ..errors import UserError
from .options import Data, Results, open_registry, usable_path
from .output import say


def command(
    plugin: Annotated[Path, typer.Argument(metavar="PLUGIN", parser=usable_path, help="The plugin file.")],
    results: Results = Path("results"),
    output: Annotated[
        Path, typer.Option("--output", "-o", metavar="FILE", parser=usable_path, help="The file to write.")
    ] = Path("submission.zip"),
    data: Data = None,
) -> None:
    """Check a plugin and put it, its records and their predictions into one zip file.

    Records made by a different version of the plugin are left out. Unpack the file next to other
    results folders and run its cells again with `archarena verify`.

    Exit code: 0 if the file was written, 1 if the plugin fails the contract check.

    Example: archarena submit my_model.py --results results -o my-model.zip
    """
    from ..check.run import check
    from ..contract.data_source import data_folder
    from ..running.submission import pack, records_of

    registry, folder = open_registry([plugin]), data_folder(data)
    entries = [e for e in [*registry.models.values(), *registry.tasks.values()] if e.file == plugin.resolve()]
    if not entries:
        raise UserError(f"{plugin} registers no model or task.")
    if output.exists():
        raise UserError(f"{output} already exists: choose another --output.")
    records, left_out = records_of(entries, results)
    failed = [
        f"{entry.name}, {finding.name}: {finding.message}"
        for entry in entries
        for finding in check(entry, folder)
        if finding.status == "failed"
    ]
    for line in failed:
        say(f"  failed {line}")
    if failed:
        say(f"Nothing written: {len(failed)} {'check' if len(failed) == 1 else 'checks'} failed.")
        raise typer.Exit(1)
    pack(entries, results, records, output)
    note = f"; left out {left_out} made by a different version of it" if left_out else ""
    count = "1 record" if len(records) == 1 else f"{len(records)} records"
    say(f"Wrote {output}: {plugin.name} and {count}{note}.")
