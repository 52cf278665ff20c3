"""``archarena new``: write a plugin template that passes the contract check."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated

import typer

from ..contract.registry import discover
from ..errors import UserError
from ..files import write_atomically
from .options import usable_path
from .output import say

KINDS = ("sequence-model", "field-model", "task")


def command(
    name: Annotated[str, typer.Argument(help="Name in commands and pages, such as my-model.")],
    kind: Annotated[str, typer.Option("--kind", help="sequence-model, field-model or task.")] = "sequence-model",
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="FILE", parser=usable_path, help="File to write. Default: my_model.py."),
    ] = None,
) -> None:
    """Write a plugin template that passes `archarena check`.

    Example: archarena new my-model --kind sequence-model
    """
    if kind not in KINDS:
        raise UserError(f"--kind {kind}: use {', '.join(KINDS[:-1])} or {KINDS[-1]}.")
    if not re.fullmatch(r"[a-z][a-z0-9]*(-[a-z0-9]+)*", name):
        raise UserError(f"'{name}' is not a name: use lower-case letters, digits and single dashes, such as my-model.")
    if name in discover().of_kind("task" if kind == "task" else "model"):
        raise UserError(f"The name '{name}' is taken: choose another one. Names must be unique.")
    path = output or Path(f"{name.replace('-', '_')}.py")
    if path.exists():
        raise UserError(f"{path} already exists: choose another name or --output.")
    template = Path(__file__).parents[1] / "templates" / f"{kind}.py.txt"
    text = template.read_text(encoding="utf-8")
    text = text.replace("NAME", name).replace("CLASS", name.title().replace("-", ""))
    write_atomically(path, text.encode())
    using = f"--plugin {path} --task {name}" if kind == "task" else f"--plugin {path} --model {name}"
    say(f"Wrote {path}.\n  archarena check {path}\n  archarena run {using} --tier smoke")
