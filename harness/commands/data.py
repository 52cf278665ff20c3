"""``archarena data``: the data sets that lie outside the package."""

from __future__ import annotations

import typer

from .options import Data, Plugins, open_registry

app = typer.Typer(no_args_is_help=True, help="Data sets. Example: archarena data status --data DIR")


@app.callback()
def group() -> None:
    """Show the data sets that tasks read and where they are looked for."""


@app.command("status")
def status(data: Data = None, plugins: Plugins = None) -> None:
    """Show which data sets are at hand, and how to bring the others.

    Example: archarena data status --data DIR
    """
    from ..data_folder import data_folder

    folder = data_folder(data)
    registry = open_registry(plugins)
    sources = {
        source.name: source
        for entry in registry.tasks.values()
        if entry.declared.get("needs")
        for source in entry.load().sources  # type: ignore[attr-defined]
    }
    typer.echo(f"Data folder: {folder}")
    for name, source in sorted(sources.items()):
        found = source.find(folder)
        typer.echo(f"{name}: {source.summary} Licence: {source.licence}.")
        typer.echo(f"  at {found}" if found else f"  absent. {source.missing(folder)}")
