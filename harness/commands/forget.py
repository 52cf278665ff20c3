"""``archarena forget``: take records off the board, or put them back."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ..errors import UserError
from .options import Results
from .output import say


def command(
    cells: Annotated[
        list[str], typer.Argument(metavar="CELL...", help="VARIANT[/TASK[/TIER/sSEED]], or the start of a key")
    ],
    results: Results = Path("results"),
    reason: Annotated[str, typer.Option("--reason", metavar="TEXT", help="Why, for the log.")] = "",
    restore: Annotated[bool, typer.Option("--restore", help="Put forgotten records back.")] = False,
) -> None:
    """Move the records of cells to the folder forgotten, so that no command and no page uses them.

    All cells that a name begins are moved: `mamba` means every cell of the variant mamba. The file forgotten/log.txt
    gets a line per record. A run of a forgotten cell trains it again.

    Example: archarena forget mamba/recall-mqar/quick/s0 --reason "a wrong setting"
    """
    from ..planning.find import matches, name_of
    from ..records.store import ResultStore
    from ..running.lock import locked

    if not results.is_dir():
        raise UserError(f"There is no results folder {results}.")
    store = ResultStore(results)
    with locked(results):
        known = list(store.forgotten() if restore else store.read())
        for cell in cells:
            if not any(matches(record, cell) for record in known):
                kind = "forgotten record" if restore else "record"
                raise UserError(f"{results} has no {kind} of '{cell}'. Use the form VARIANT/TASK/TIER/sSEED.")
        chosen = [record for record in known if any(matches(record, cell) for cell in cells)]
        for record in chosen:
            if restore:
                store.restore(record, name_of(record))
            else:
                store.forget(record, name_of(record), reason)
            say(f"  {name_of(record)} {record.short_key}")
    count = "1 record" if len(chosen) == 1 else f"{len(chosen)} records"
    say(f"{count} {'restored' if restore else 'forgotten; undo with --restore'}.")
