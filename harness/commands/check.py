"""``archarena check``: test a plugin against the contract."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ..contract.scan import KINDS, Entry, Kind
from ..errors import UserError, did_you_mean
from .options import Data, open_registry, usable_path
from .output import say


def command(
    what: Annotated[str, typer.Argument(help="A plugin file, or the name of a model or task.")],
    data: Data = None,
) -> None:
    """Test a model or task against the contract, on a CPU in under a minute.

    Exit code: 0 if all checks pass, 1 if one fails or if the data is missing.

    Example: archarena check my_model.py
    """
    from ..check.run import check
    from ..contract.data_source import data_folder

    folder, failed, unchecked = data_folder(data), 0, []
    for entry in _entries(what):
        say(f"{entry.kind} {entry.name} ({entry.origin})")
        findings = check(entry, folder)
        if all(finding.status == "skipped" for finding in findings):
            unchecked.append(entry.name)
        for finding in findings:
            failed += finding.status == "failed"
            say(f"  {finding.status:<7} {finding.name}: {finding.message}")
    if unchecked:
        say(f"Not checked, because the data is missing: {', '.join(unchecked)}.")
    if failed or not unchecked:
        say(f"{failed} {'check' if failed == 1 else 'checks'} failed." if failed else "All checks passed.")
    if failed or unchecked:
        raise typer.Exit(1)


def _entries(what: str) -> list[Entry]:
    """Return the entries that a plugin file registers, or the entries of that name."""
    if not what.endswith(".py"):
        registry = open_registry(None)
        kinds: list[Kind] = [kind for kind in KINDS if what in registry.of_kind(kind)]
        if not kinds:
            near = did_you_mean(what, [*registry.models, *registry.tasks])
            raise UserError(f"There is no model or task '{what}'.{near} A plugin file must end in .py.")
        return [registry.find(kind, what) for kind in kinds]
    path = usable_path(what).resolve()
    registry = open_registry([Path(what)])
    found = [e for e in [*registry.models.values(), *registry.tasks.values()] if e.file == path]
    if not found:
        raise UserError(f"{what} registers no model or task that can be checked.")
    return found
