"""Reading registered classes from source files without running them."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import Any, Literal

from ..errors import UserError
from ..text import shortened
from .names import check_name
from .plugin_modules import load_plugin

Kind = Literal["model", "task"]

KINDS: tuple[Kind, ...] = ("model", "task")

DECORATORS: dict[str, Kind] = {"register_model": "model", "register_task": "task"}


@dataclass(frozen=True)
class Entry:
    """A registered class, read from its source but not yet imported."""

    kind: Kind
    name: str
    class_name: str
    declared: Mapping[str, Any] = field(hash=False)
    file: Path
    module: str | None = None
    """Module name, or None for a plugin file."""

    @property
    def origin(self) -> str:
        """Return the module or file that defines it, for messages."""
        return self.module or str(self.file)

    @property
    def is_plugin(self) -> bool:
        """Return whether it is someone else's code."""
        return not (self.module or "").startswith("archarena.")

    def load(self) -> type:
        """Import the class, or raise `UserError` if importing its file fails with any exception."""
        try:
            module = import_module(self.module) if self.module else load_plugin(self.file)
            return getattr(module, self.class_name)
        except (Exception, SystemExit) as error:
            message = f"{self.kind} '{self.name}' cannot be imported from {self.origin}: {describe(error)}."
            raise UserError(message) from error


def describe(error: BaseException) -> str:
    """Return an exception's type and the first line of its message."""
    text = str(error)[:10_000].strip().splitlines()
    return f"{type(error).__name__}: {shortened(text[0])}" if text else type(error).__name__


def scan(file: Path, module: str | None = None) -> list[Entry]:
    """Return the classes that a source file registers, without running it."""
    tree = ast.parse(file.read_text(encoding="utf-8"), filename=str(file))
    return [
        Entry(DECORATORS[decorator], *_literals(call, node), file=file, module=module)
        for node in ast.walk(tree)
        if isinstance(node, ast.ClassDef)
        for decorator, call in _registrations(node)
    ]


def _registrations(node: ast.ClassDef) -> Iterable[tuple[str, ast.Call]]:
    for call in node.decorator_list:
        if isinstance(call, ast.Call):
            name = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
            if name in DECORATORS:
                yield name, call


def _literals(call: ast.Call, node: ast.ClassDef) -> tuple[str, str, dict[str, Any]]:
    try:
        values = [ast.literal_eval(argument) for argument in call.args]
        declared = {keyword.arg or "**": ast.literal_eval(keyword.value) for keyword in call.keywords}
        name = values[0] if values else declared.pop("name")
    except (ValueError, KeyError):
        raise ValueError(
            f"all decorator arguments of class {node.name} must be literals, with the name first"
        ) from None
    return check_name("model or task", name), node.name, _checked(declared, node)


def _checked(declared: dict[str, Any], node: ast.ClassDef) -> dict[str, Any]:
    """Return the keyword arguments of a decorator; raise `ValueError` for one of the wrong type or length."""
    for name, value in declared.items():
        is_right, kind = _DECLARED.get(name, _TEXT)
        if not is_right(value):
            raise ValueError(f"{name} of class {node.name} must be {kind}")
        if len(str(value)) > _LONGEST:
            raise ValueError(f"{name} of class {node.name} has more than {_LONGEST:,} characters")
    return declared


_TEXT = (lambda value: isinstance(value, str)), "text"
_NAMES = (lambda value: isinstance(value, tuple | list) and all(isinstance(v, str) for v in value)), "a tuple of names"
_FLAG = (lambda value: isinstance(value, bool)), "True or False"
_COUNT = (lambda value: type(value) is int and value >= 0), "a whole number"
_DECLARED = {"on_request": _FLAG, "together": _COUNT, "requires": _NAMES, "suites": _NAMES, "needs": _NAMES}
"""Tests and types of the keyword arguments of the decorators; all others are text."""

_LONGEST = 2000


def module_file(module: str) -> Path:
    """Return the source file of a module without importing it or its parents."""
    path: Sequence[str] | None = None
    spec = None
    parts = module.split(".")
    for end in range(1, len(parts) + 1):
        name = ".".join(parts[:end])
        spec = next(filter(None, (finder.find_spec(name, path) for finder in sys.meta_path)), None)
        if spec is None:
            raise ModuleNotFoundError(f"no module named '{name}'")
        path = list(spec.submodule_search_locations or ())
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError(f"'{module}' has no source file")
    return Path(spec.origin).resolve()


def source_files(name: str) -> dict[str, Path]:
    """Return the source files of a module, or of a package's modules that may register a class, by module name."""
    file = module_file(name)
    if file.name != "__init__.py":
        return {name: file}
    return {
        name if path == file else f"{name}.{path.stem}": path
        for path in sorted(file.parent.glob("*.py"))
        if any(decorator.encode() in path.read_bytes() for decorator in DECORATORS)
    }
