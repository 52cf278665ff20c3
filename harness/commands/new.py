"""``archarena new``: write an example plugin, as a file or as a package, that passes the contract check."""

from __future__ import annotations

import random
import re
from pathlib import Path
from typing import Annotated

import typer

from ..contract.registry import discover
from ..contract.scan import Kind
from ..errors import UserError
from ..files import write_atomically
from .options import usable_path
from .output import say

KINDS: dict[str, Kind] = {"sequence": "model", "field": "model", "image": "model", "task": "task", "dataset": "task"}

TEMPLATES = Path(__file__).parents[1] / "templates"


def command(
    name: Annotated[str, typer.Argument(help="Name in commands and pages, such as my-model.")],
    kind: Annotated[str, typer.Option("--kind", metavar="KIND", help=f"{', '.join(KINDS)}.")] = "sequence",
    package: Annotated[bool, typer.Option("--package", help="Write a package with a test, not a single file.")] = False,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            metavar="PATH",
            parser=usable_path,
            help="File, or folder of a package. Default: my_model.py or my-model.",
        ),
    ] = None,
) -> None:
    """Write an example of a model or task that passes `archarena check`.

    The kinds are models of sequences, of tables (field) and of images, a task with generated rows, and a task with
    rows from files (dataset), with example files in the folder data.

    Example: archarena new my-model --kind sequence
    """
    if kind not in KINDS:
        raise UserError(f"--kind {kind}: use {', '.join([*KINDS][:-1])} or {[*KINDS][-1]}.")
    if not re.fullmatch(r"[a-z][a-z0-9]*(-[a-z0-9]+)*", name):
        raise UserError(f"'{name}' is not a name: use lower-case letters, digits and single dashes, such as my-model.")
    what, module = KINDS[kind], name.replace("-", "_")
    if name in discover().of_kind(what):
        raise UserError(f"The name '{name}' is taken: choose another one. Names must be unique.")
    place = output or Path(name if package else f"{module}.py")
    if place.exists():
        raise UserError(f"{place} already exists: choose another name or --output.")
    words = {"NAME": name, "CLASS": name.title().replace("-", ""), "MODULE": module, "KIND": what, "FILE": what}
    plugin = place / "src" / module / f"{what}.py" if package else place
    files = {plugin: f"{kind}.py.txt"}
    if package:
        files[place / "pyproject.toml"] = "package/pyproject.toml.txt"
        files[place / "tests" / f"test_{module}.py"] = f"package/test_{what}.py.txt"
        write_atomically(plugin.with_name("__init__.py"), f'"""The {what} {name}."""\n'.encode())
    for path, template in files.items():
        write_atomically(path, _filled(template, words).encode())
    data = (place if package else place.parent) / "data"
    if kind == "dataset":
        _write_tables(data / name)
    with_data = f" --data {data}" if kind == "dataset" else ""
    on_images = " --task digits-image" if kind == "image" else ""
    first = f"pip install --editable {place}" if package else f"archarena check {plugin}{with_data}"
    using = ("" if package else f" --plugin {plugin}") + (" --model mlp" if what == "task" else "")
    say(f"Wrote {place}.\n  {first}\n  archarena run{using} --{what} {name} --tier smoke{with_data}{on_images}")


def _filled(template: str, words: dict[str, str]) -> str:
    """Return a template's text with its placeholders replaced."""
    text = (TEMPLATES / template).read_text(encoding="utf-8")
    return re.sub(r"NAME|CLASS|MODULE|KIND|FILE(?= import)", lambda found: words[found[0]], text)


def _write_tables(folder: Path) -> None:
    """Write the made-up tables that the example of kind ``dataset`` reads."""
    source = random.Random(0)
    for part, rows in (("train", 300), ("test", 100)):
        lines = ["color,age,returns"]
        for _ in range(rows):
            color, age = source.choice(("blue", "green", "red")), source.randint(18, 90)
            lines.append(f"{color},{age},{int((age > 50) == (color == 'red'))}")
        write_atomically(folder / f"{part}.csv", "\n".join([*lines, ""]).encode())
