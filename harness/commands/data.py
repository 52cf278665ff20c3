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
    """Check local files and copy them into the data folder, which is created if it does not exist.

    Example: archarena data import enwik8 enwik8.zip --data DIR
    """
    from ..contract.data_source import data_folder
    from ..data import sources
    from ..errors import UserError

    if not path.exists():
        raise UserError(f"{path} does not exist.")
    folder = data_folder(data, create=True)
    say(f"{name}: at {sources.adopt(open_registry(plugins), name, path.resolve(), folder)}")


@app.command("checksum")
def checksum(
    file: Annotated[Path, typer.Argument(metavar="FILE", parser=usable_path, help="A table, such as train.csv.")],
    columns: Annotated[
        list[str] | None, typer.Option("--column", metavar="NAME", help="A column to pin; repeat. Default: all.")
    ] = None,
) -> None:
    """Print the columns, the number of rows and the checksum of a table, as a plugin's `DataSet` states them.

    Example: archarena data checksum train.csv
    """
    from ..contract.scan import describe
    from ..data.data_set import DataSet
    from ..data.table_files import columns_of, read_table
    from ..errors import UserError, unknown

    if not file.is_file():
        raise UserError(f"There is no file {file}.")
    try:
        known = columns_of(file)
        chosen = {name: known[name] for name in columns or known}
        table = read_table(file, chosen)
    except KeyError as error:
        raise unknown("column", error.args[0], list(known)) from None
    except Exception as error:
        raise UserError(f"Cannot read {file}: {describe(error)}.") from error
    part = file.name.partition(".")[0]
    types = ", ".join(f'"{name}": {kind.__name__}' for name, kind in chosen.items())
    _, found = DataSet("file", "", "", chosen).canonical(table)
    say(f'columns={{{types}}},\nchecksums={{"{part}": "{found}"}},  # {len(table):,} rows')
