"""The generated reference is current. ``python tests/test_reference.py`` writes it."""

import inspect
import re
from pathlib import Path

import pytest
import typer
from archarena.harness.commands.app import app

import archarena
from archarena import harness

DOCS = Path(__file__).parents[1] / "docs"


def commands_page():
    """Return the page of all commands, from their help."""
    parts = [
        "# Reference: commands",
        "Generated from the help of the commands. [Commands](commands.md) is an overview.",
    ]
    for name, command in sorted(typer.main.get_command(app).commands.items()):
        leaves = {f"{name} {sub}": leaf for sub, leaf in getattr(command, "commands", {}).items()} or {name: command}
        for path, leaf in sorted(leaves.items()):
            parts += _command(path, leaf)
    return "\n\n".join(parts) + "\n"


def _command(path, command):
    arguments = [p for p in command.params if p.param_type_name == "argument"]
    options = [p for p in command.params if p.param_type_name == "option" and p.name != "help"]
    usage = " ".join(["archarena", path, *("[OPTIONS]" for _ in options[:1]), *(_name_of(p) for p in arguments)])
    help_text = re.sub(r"\n(?!\n)(?<!\n\n)", " ", inspect.cleandoc(command.help or ""))
    yield f"## {path}"
    yield f"`{usage}`"
    yield re.sub(r"Example: (.*)", r"Example: `\1`", help_text)
    rows = [f"| `{_name_of(p)}` | {_text(getattr(p, 'help', ''))} |" for p in arguments]
    rows += [f"| `{_names(p)}` | {_text(p.help)}{_default(p)} |" for p in options]
    if rows:
        yield "\n".join(["| option | meaning |", "|---|---|", *rows])


def _name_of(argument):
    return argument.metavar or argument.name.upper()


def _names(option):
    value = "" if option.is_flag else f" {option.metavar or option.name.upper()}"
    return ", ".join(option.opts) + value


def _default(option):
    has_one = not option.is_flag and option.default not in (None, [], ()) and "Default" not in (option.help or "")
    return f" Default: `{option.default}`." if has_one else ""


def _text(text):
    return (text or "").replace("|", "\\|")


def python_page():
    """Return the page of all public names, from their signatures and docstrings."""
    parts = [
        "# Reference: Python",
        "Generated from docstrings. [Python and notebooks](notebooks.md) is an introduction. Plugins import from "
        "`archarena.harness`.",
    ]
    for module, names in ((archarena, archarena.__all__), (harness, dir(harness))):
        parts.append(f"## {module.__name__}")
        for name in names:
            if module is harness and name in archarena.__all__:
                continue
            parts += _name(name, getattr(module, name))
    return "\n\n".join(parts) + "\n"


def _name(name, found):
    yield f"### {name}"
    if getattr(found, "__module__", "").startswith("archarena.") and hasattr(found, "__qualname__"):
        is_plain = inspect.isclass(found) and issubclass(found, dict | Exception)
        signature = "" if is_plain else re.sub(r"(: |-> )'([^']*)'", r"\1\2", str(inspect.signature(found)))
        yield f"```python\n{name}{re.sub(r'<factory>', '...', signature)}\n```"
        yield f"```text\n{inspect.getdoc(found) or ''}\n```"
    else:
        yield f"`{found!r}`" if isinstance(found, int | str) else f"A type: `{found}`."


PAGES = {"reference-commands.md": commands_page, "reference-python.md": python_page}


@pytest.mark.parametrize("name", PAGES)
def test_the_reference_is_current(name):
    message = "run: python tests/test_reference.py"
    assert (DOCS / name).read_text() == PAGES[name](), message


if __name__ == "__main__":
    for page, make in PAGES.items():
        (DOCS / page).write_text(make())
