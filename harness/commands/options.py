"""Options shared by several commands."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from ..contract.registry import Registry, discover

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
    typer.Option("--plugin", "-p", metavar="FILE", help="A Python file that registers models or tasks."),
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
Results = Annotated[Path, typer.Option("--results", metavar="DIR", help="The results folder.")]
Data = Annotated[
    Path | None, typer.Option("--data", metavar="DIR", help="Data folder. Default: ARCHARENA_DATA or a user folder.")
]
Device = Annotated[str, typer.Option("--device", metavar="NAME", help="auto, cpu or cuda.")]


def open_registry(plugins: list[Path] | None) -> Registry:
    """Return the registry and print its problems to standard error."""
    registry = discover(plugins or ())
    for problem in registry.problems:
        print(f"archarena: {problem}", file=sys.stderr)
    return registry
