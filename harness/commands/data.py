"""``archarena data``: external data sets."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from .options import Data, Plugins, open_registry, usable_path
from .output import say

app = typer.Typer(no_args_is_help=True, help="Data sets. Example: archarena data status --data DIR")

Name = Annotated[str, typer.Argument(help="A data set listed by `archarena data status`.")]


@app.command("status")
def status(data: Data = None, plugins: Plugins = None) -> None:
    """Show which data sets are available, and how to get the others.

    Example: archarena data status --data DIR
    """
    from ..contract.data_source import data_folder
    from ..data.sources import statuses

    folder = data_folder(data)
    say(f"Data folder: {folder}")
    for source in statuses(open_registry(plugins), folder):
        say(f"{source.name}: {source.summary}. License: {source.license}.")
        say(f"  at {source.path}" if source.path else f"  absent. {source.missing}")


@app.command("fetch")
def fetch(name: Name, data: Data = None, plugins: Plugins = None) -> None:
    """Fetch a data set from the Hugging Face hub and check it. Requires ARCHARENA_HUB=1.

    Example: ARCHARENA_HUB=1 archarena data fetch imdb --data DIR
    """
    from ..contract.data_source import data_folder
    from ..data import sources

    say(f"{name}: at {sources.fetch(open_registry(plugins), name, data_folder(data))}")


@app.command("import")
def import_(
    name: Name,
    path: Annotated[Path, typer.Argument(metavar="PATH", parser=usable_path, help="Folder or file of the data set.")],
    data: Data = None,
    plugins: Plugins = None,
) -> None:
    """Check local files and copy them into the data folder.

    Example: archarena data import enwik8 enwik8.zip --data DIR
    """
    from ..contract.data_source import data_folder
    from ..data import sources
    from ..errors import UserError

    if not path.exists():
        raise UserError(f"{path} does not exist.")
    say(f"{name}: at {sources.adopt(open_registry(plugins), name, path.resolve(), data_folder(data))}")
