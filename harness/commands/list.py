"""``archarena list``: what is registered, read from source without importing it."""

from __future__ import annotations

from typing import Annotated

import typer

from .options import Plugins, open_registry

NAME = "list"


def command(
    what: Annotated[str, typer.Argument(help="models, tasks, suites or all")] = "all", plugins: Plugins = None
) -> None:
    """List models, tasks and suites.

    Example: archarena list tasks --plugin my_task.py
    """
    from ..errors import UserError

    kinds = ("models", "tasks", "suites")
    if what not in (*kinds, "all"):
        raise UserError(f"There is no list of '{what}': use models, tasks, suites or all.")
    registry = open_registry(plugins)
    for kind in kinds if what == "all" else (what,):
        typer.echo(f"{kind}:")
        if kind == "suites":
            rows = [(suite, ", ".join(entry.name for entry in registry.suite(suite))) for suite in registry.suites()]
        else:
            entries = registry.models if kind == "models" else registry.tasks
            rows = [(entry.name, _describe(entry.declared)) for entry in entries.values()]
        width = max((len(name) for name, _ in rows), default=0)
        for name, text in rows:
            typer.echo(f"  {name:<{width}}  {text}")


def _describe(declared) -> str:
    needs = ", ".join(declared.get("needs", ()))
    details = [declared.get("paper", ""), f"needs data: {needs}" if needs else ""]
    return " ".join([declared.get("summary", ""), *(f"({detail})" for detail in details if detail)])
