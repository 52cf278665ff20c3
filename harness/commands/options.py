"""Options that several commands share."""

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
        help="A model; repeat for several. Default: all but those that are made on request.",
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
    typer.Option("--set", metavar="SETTING", help="MODEL.HYPERPARAMETER=VALUE[,VALUE...]: each value makes a variant."),
]
TierName = Annotated[str, typer.Option("--tier", metavar="NAME", help="smoke, quick, standard or full.")]
RecipeName = Annotated[
    str,
    typer.Option(
        "--recipe",
        metavar="NAME",
        help="common; published: each model's own from its card; trade-off: quality against time from one run.",
    ),
]
Results = Annotated[Path, typer.Option("--results", metavar="DIR", help="The folder of records.")]
Data = Annotated[
    Path | None, typer.Option("--data", metavar="DIR", help="The data folder. Default: ARCHARENA_DATA, or the user's.")
]
Device = Annotated[str, typer.Option("--device", metavar="NAME", help="auto, cpu or cuda.")]


def open_registry(plugins: list[Path] | None) -> Registry:
    """Return the registry, and tell on standard error what could not be read."""
    registry = discover(plugins or ())
    for problem in registry.problems:
        print(f"archarena: {problem}", file=sys.stderr)
    return registry
