"""Finding models and tasks: entry points, plugin files, and listing without importing them.

A class is registered by a decorator whose arguments are literals, so a listing reads them from
the source with `ast`: no plugin code runs, and torch is not imported, until a model is used.
"""

from __future__ import annotations

import ast
import importlib.util
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib import import_module, metadata
from pathlib import Path
from types import ModuleType
from typing import Any, Literal, TypeVar

from .errors import UserError, did_you_mean

Kind = Literal["model", "task"]
KINDS: tuple[Kind, ...] = ("model", "task")
DECORATORS: dict[str, Kind] = {"register_model": "model", "register_task": "task"}

_Class = TypeVar("_Class", bound=type)


def register_model(
    name: str, *, summary: str, paper: str = "", family: str = "", on_request: bool = False
) -> Callable[[_Class], _Class]:
    """Register a model class under `name`; all arguments must be literals.

    Parameters
    ----------
    name
        What commands, records and pages call it.
    summary
        One sentence: what the architecture is.
    paper
        Where it was published, such as ``arXiv:2312.00752``.
    family
        The kind of architecture, by which the board groups and colours rows.
    on_request
        Whether a run takes it only where it is named: it needs a setting, or more than the others.
    """
    return _stamp(name)


def register_task(
    name: str, *, summary: str, suites: tuple[str, ...] = (), needs: tuple[str, ...] = ()
) -> Callable[[_Class], _Class]:
    """Register a task class under `name`; all arguments must be literals.

    Parameters
    ----------
    name
        What commands, records and pages call it.
    summary
        One sentence: what the task measures.
    suites
        The suites it belongs to.
    needs
        Names of the data sets it reads; empty where it is made by code.
    """
    return _stamp(name)


def _stamp(name: str) -> Callable[[_Class], _Class]:
    def decorate(cls: _Class) -> _Class:
        cls.registered_name = name  # type: ignore[attr-defined]
        return cls

    return decorate


@dataclass(frozen=True)
class Entry:
    """A registered class, known from its source and not yet imported."""

    kind: Kind
    name: str
    class_name: str
    declared: Mapping[str, Any] = field(hash=False)
    file: Path
    module: str | None = None
    """Import name, or None for a plugin file."""

    @property
    def origin(self) -> str:
        """Return where it came from, as a user would name it."""
        return self.module or str(self.file)

    def load(self) -> type:
        """Import the class.

        Raises
        ------
        UserError
            If importing its file fails, whatever it raised.
        """
        try:
            module = import_module(self.module) if self.module else load_plugin(self.file)
            return getattr(module, self.class_name)
        except Exception as error:
            message = f"{self.kind} '{self.name}' cannot be imported from {self.origin}: {describe(error)}."
            raise UserError(message) from error


def describe(error: BaseException) -> str:
    """Return an exception on one line: its type, its message and, for syntax errors, the line."""
    text = str(error).strip().splitlines()
    return f"{type(error).__name__}: {text[0]}" if text else type(error).__name__


@dataclass
class Registry:
    """All models and tasks at hand, and one sentence for each thing that could not be read."""

    models: dict[str, Entry] = field(default_factory=dict)
    tasks: dict[str, Entry] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)
    clashes: dict[tuple[Kind, str], str] = field(default_factory=dict)

    def of_kind(self, kind: Kind) -> dict[str, Entry]:
        """Return the entries of one kind by name."""
        return self.models if kind == "model" else self.tasks

    def add(self, entry: Entry) -> None:
        """Add an entry; a name that is taken becomes unusable and is told as a problem."""
        known = self.of_kind(entry.kind).get(entry.name)
        if known is None:
            self.of_kind(entry.kind)[entry.name] = entry
        elif (known.file, known.class_name) != (entry.file, entry.class_name):
            sentence = (
                f"{entry.kind} '{entry.name}' is registered twice, in {known.origin} and in {entry.origin}: "
                "rename one of them."
            )
            self.clashes[entry.kind, entry.name] = sentence
            self.problems.append(sentence)

    def find(self, kind: Kind, name: str) -> Entry:
        """Return the entry called `name`.

        Raises
        ------
        UserError
            For an unknown name (with the closest known one) or an ambiguous one.
        """
        if (kind, name) in self.clashes:
            raise UserError(self.clashes[kind, name])
        known = self.of_kind(kind)
        if name not in known:
            raise UserError(
                f"There is no {kind} '{name}'.{did_you_mean(name, known)} Known: {', '.join(sorted(known)) or 'none'}."
            )
        return known[name]

    def suite(self, name: str) -> list[Entry]:
        """Return the tasks of a suite, in the order of registration."""
        members = [entry for entry in self.tasks.values() if name in entry.declared.get("suites", ())]
        if not members:
            raise UserError(
                f"There is no suite '{name}'.{did_you_mean(name, self.suites())} Known: {', '.join(self.suites())}."
            )
        return members

    def suites(self) -> list[str]:
        """Return the names of all suites."""
        return sorted({suite for entry in self.tasks.values() for suite in entry.declared.get("suites", ())})


def discover(plugins: Sequence[Path] = ()) -> Registry:
    """Return everything registered by installed packages and by the given plugin files.

    Raises
    ------
    UserError
        For a plugin file that cannot be read or registers nothing. What is wrong with an installed
        package is told in the registry's problems and stops nothing.
    """
    registry = Registry()
    for group in ("archarena.models", "archarena.tasks"):
        for point in metadata.entry_points(group=group):
            _add_module(registry, point.module, f"entry point '{point.name}' of {group}")
    for plugin in plugins:
        _add_file(registry, Path(plugin).resolve(), None, f"plugin {plugin}")
    return registry


def get_model(name: str, plugins: Sequence[Path] = ()) -> type:
    """Return the class of the model called `name`."""
    return discover(plugins).find("model", name).load()


def get_task(name: str, plugins: Sequence[Path] = ()) -> type:
    """Return the class of the task called `name`."""
    return discover(plugins).find("task", name).load()


def _add_module(registry: Registry, module: str, what: str) -> None:
    try:
        file = module_file(module)
    except Exception as error:
        registry.problems.append(f"The {what} names module '{module}', which cannot be found ({describe(error)}).")
        return
    try:
        _add_file(registry, file, module, what)
    except UserError as error:
        registry.problems.append(str(error))


def _add_file(registry: Registry, file: Path, module: str | None, what: str) -> None:
    if not file.is_file():
        raise UserError(f"The {what} is not there: no file {file}.")
    try:
        entries = scan(file, module)
    except (OSError, SyntaxError, ValueError) as error:
        raise UserError(f"The {what} cannot be read: {describe(error)}.") from error
    if not entries:
        raise UserError(f"The {what} registers nothing: no class in {file} has @register_model or @register_task.")
    for entry in entries:
        registry.add(entry)


def scan(file: Path, module: str | None = None) -> list[Entry]:
    """Return the classes a source file registers, without running it."""
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
            f"the arguments of the decorator of class {node.name} must be literals, the name first"
        ) from None
    return name, node.name, declared


def module_file(module: str) -> Path:
    """Return the source file of a module without importing it or its parents."""
    path: Sequence[str] | None = None
    spec = None
    parts = module.split(".")
    for end in range(1, len(parts) + 1):
        spec = _find_spec(".".join(parts[:end]), path)
        if spec is None:
            raise ModuleNotFoundError(f"no module named '{'.'.join(parts[:end])}'")
        path = list(spec.submodule_search_locations or ())
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError(f"'{module}' has no source file")
    return Path(spec.origin).resolve()


def _find_spec(name: str, path: Sequence[str] | None):
    for finder in sys.meta_path:
        found = finder.find_spec(name, path)
        if found is not None:
            return found
    return None


def load_plugin(file: Path) -> ModuleType:
    """Run a plugin file, once for each state of it, under a module name of its own, and return the module."""
    name = f"archarena_plugin_{file.stem}_{abs(hash((str(file), file.stat().st_mtime_ns))):x}"
    if name in sys.modules:
        return sys.modules[name]
    spec = importlib.util.spec_from_file_location(name, file)
    if spec is None or spec.loader is None:
        raise ImportError(f"{file} is not a Python source file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    return module
