"""All commands, one file per subcommand. Each command imports its dependencies inside its function."""

from __future__ import annotations

from typing import Annotated

import typer

from . import bench, board, check, clean, compare, data, doctor, forget, new, rescore, run, show, submit, verify, why
from . import list as listing
from .output import say

app = typer.Typer(
    name="archarena",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    help="Compare model architectures on task suites and browse the leaderboard.\n\n"
    "Example: archarena run --suite quick && archarena board results -o site",
)
for module in (run, listing, new, check, why, show, compare, rescore, forget, board, submit, verify, doctor, clean):
    app.command(module.__name__.rpartition(".")[2])(module.command)
app.add_typer(data.app, name="data")
app.add_typer(bench.app, name="bench")


def _print_version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        say(f"archarena {version('archarena')}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    pass
