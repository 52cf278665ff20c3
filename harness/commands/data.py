"""``archarena data``: external data sets."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from .options import Data, Plugins, open_registry, usable_path
from .output import say

if TYPE_CHECKING:
    from ..contract.data_source import DataSource

app = typer.Typer(no_args_is_help=True, help="Data sets. Example: archarena data status --data DIR")

Name = Annotated[str, typer.Argument(help="A data set listed by `archarena data status`.")]


@app.command("status")
def status(data: Data = None, plugins: Plugins = None) -> None:
    """Show which data sets are available, and how to get the others.

    Example: archarena data status --data DIR
    """
    from ..contract.data_source import data_folder

    folder = data_folder(data)
    say(f"Data folder: {folder}")
    for name, source in sorted(open_registry(plugins).data_sources().items()):
        found = source.find(folder)
        say(f"{name}: {source.summary}. License: {source.license}.")
        say(f"  at {found}" if found else f"  absent. {source.missing(folder)}")


@app.command("fetch")
def fetch(name: Name, data: Data = None, plugins: Plugins = None) -> None:
    """Fetch a data set from the Hugging Face hub and check it. Requires ARCHARENA_HUB=1.

    Example: ARCHARENA_HUB=1 archarena data fetch imdb --data DIR
    """
    import os

    from rich.console import Console
    from rich.progress import Progress, TaskID, TextColumn, TimeElapsedColumn

    from ..contract.data_source import data_folder
    from ..errors import UserError

    source, folder = _source(name, plugins), data_folder(data)
    if source.find(folder) is None and os.environ.get("ARCHARENA_HUB") != "1":
        raise UserError(f"Fetching '{name}' uses the Hugging Face hub: set ARCHARENA_HUB=1 to allow it.")
    columns = (TextColumn("{task.description}: {task.completed:,.0f} rows"), TimeElapsedColumn())
    bars: dict[str, TaskID] = {}
    with Progress(*columns, console=Console(stderr=True)) as progress:

        def report(part: str, rows: int) -> None:
            if part not in bars:
                bars[part] = progress.add_task(f"{name} {part}", total=None)
            progress.update(bars[part], completed=rows)

        place = source.find(folder) or source.fetch(folder, report)
    say(f"{name}: at {place}")


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
    from ..errors import UserError

    if not path.exists():
        raise UserError(f"{path} does not exist.")
    say(f"{name}: at {_source(name, plugins).adopt(path.resolve(), data_folder(data))}")


def _source(name: str, plugins: list[Path] | None) -> DataSource:
    from ..errors import unknown

    sources = open_registry(plugins).data_sources()
    if name not in sources:
        raise unknown("data set", name, sorted(sources))
    return sources[name]
