"""Options shared by several commands."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Annotated

import typer

from ..contract.registry import Registry, discover
from ..errors import UserError
from ..text import shortened
from .output import say


def usable_path(text: str | Path) -> Path:
    """Return a path given by the user; raise `UserError` if it is empty or no file can have it."""
    if text == "":
        raise UserError("A path is empty: use . for the current folder.")
    try:
        str(text).encode()
        Path(text).stat()
    except UnicodeError:
        raise UserError(f"The path {shortened(str(text))} is not UTF-8: rename it.") from None
    except (FileNotFoundError, NotADirectoryError, PermissionError):
        pass  # the command says what it misses
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise UserError(f"The path {shortened(str(text))} cannot be used: {reason}.") from None
    return Path(text)


def finite(text: str | float) -> float:
    """Return a positive, finite number given by the user, or raise `UserError`."""
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not (math.isfinite(number) and number > 0):
        raise UserError(f"'{shortened(str(text))}' is not a positive number.")
    return number


Models = Annotated[
    list[str] | None,
    typer.Option(
        "--model",
        "-m",
        metavar="NAME",
        help="A model; repeat for several. Default: all except models run only on request.",
    ),
]
Tasks = Annotated[list[str] | None, typer.Option("--task", "-t", metavar="NAME", help="A task; repeat for several.")]
Suites = Annotated[
    list[str] | None, typer.Option("--suite", "-s", metavar="NAME", help="A suite of tasks. Default: quick.")
]
Plugins = Annotated[
    list[Path] | None,
    typer.Option(
        "--plugin", "-p", metavar="FILE", parser=usable_path, help="A Python file that registers models or tasks."
    ),
]
Settings = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="SETTING", help="MODEL.HYPERPARAMETER=VALUE[,VALUE...]: one variant per value."),
]
TierName = Annotated[str, typer.Option("--tier", metavar="NAME", help="smoke, quick, standard or full.")]
RecipeName = Annotated[
    str,
    typer.Option(
        "--recipe",
        metavar="NAME",
        help="common, published (from each model's card) or trade-off (quality against time from one run).",
    ),
]
Results = Annotated[Path, typer.Option("--results", metavar="DIR", parser=usable_path, help="The results folder.")]
ManyResults = Annotated[
    list[Path] | None,
    typer.Option(
        "--results", metavar="DIR", parser=usable_path, help="A results folder; repeat for several. Default: results."
    ),
]
DEFAULT_RESULTS = [Path("results")]
Data = Annotated[
    Path | None,
    typer.Option(
        "--data", metavar="DIR", parser=usable_path, help="Data folder. Default: ARCHARENA_DATA or a user folder."
    ),
]
Device = Annotated[str, typer.Option("--device", metavar="NAME", help="auto, cpu or cuda.")]


def open_registry(plugins: list[Path] | None) -> Registry:
    """Return the registry and print its problems to standard error."""
    registry = discover(plugins or ())
    for problem in registry.problems:
        say(f"archarena: {problem}", err=True)
    return registry
