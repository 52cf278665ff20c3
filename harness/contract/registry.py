"""Registration and discovery of models and tasks, without importing them.

The arguments of the registration decorators are literals, so they can be read from the source with
`ast`: no plugin code runs, and torch is not imported, until a model is used.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar, cast

from ..errors import UserError, unknown
from .scan import Entry, Kind, describe, scan, source_files

if TYPE_CHECKING:
    from .data_source import DataSource
    from .task import Task

_Class = TypeVar("_Class", bound=type)


def register_model(
    name: str,
    *,
    summary: str,
    paper: str = "",
    family: str = "",
    on_request: bool = False,
    together: int = 0,
    requires: tuple[str, ...] = (),
) -> Callable[[_Class], _Class]:
    """Register a model class under `name`; all arguments must be literals.

    Parameters
    ----------
    name
        Name used in commands, records and pages.
    summary
        One sentence describing the architecture.
    paper
        The paper, such as ``arXiv:2312.00752``.
    family
        Architecture family, used by the leaderboard to group and color rows.
    on_request
        Whether to run the model only if it is named, because it needs a setting or extra resources.
    together
        Largest number of rows per step with which seeds train faster together than one after the other, at the body
        size of tier ``quick`` and on one CPU thread, as measured by ``archarena bench ensemble``; 0 if they never do.
    requires
        Names of hyperparameters that must be set, because their defaults do not work.
    """
    return _stamp(name)


def register_task(
    name: str, *, summary: str, suites: tuple[str, ...] = (), needs: tuple[str, ...] = ()
) -> Callable[[_Class], _Class]:
    """Register a task class under `name`; all arguments must be literals.

    Parameters
    ----------
    name
        Name used in commands, records and pages.
    summary
        One sentence describing what the task measures.
    suites
        Suites that include the task.
    needs
        Names of its data sources; empty if the data is generated.
    """
    return _stamp(name)


def _stamp(name: str) -> Callable[[_Class], _Class]:
    def decorate(cls: _Class) -> _Class:
        cls.registered_name = name  # type: ignore[attr-defined] (a class that only generates text has no base)
        return cls

    return decorate


@dataclass
class Registry:
    """All available models and tasks, and a message for each problem found."""

    models: dict[str, Entry] = field(default_factory=dict)
    tasks: dict[str, Entry] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)
    clashes: dict[tuple[Kind, str], str] = field(default_factory=dict)

    def of_kind(self, kind: Kind) -> dict[str, Entry]:
        return self.models if kind == "model" else self.tasks

    def add(self, entry: Entry) -> None:
        """Add an entry; a name registered twice becomes unusable and is reported as a problem."""
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
        """Return the entry called `name`, or raise `UserError` if the name is unknown or registered twice."""
        if (kind, name) in self.clashes:
            raise UserError(self.clashes[kind, name])
        known = self.of_kind(kind)
        if name not in known:
            raise unknown(kind, name, sorted(known))
        return known[name]

    def suite(self, name: str) -> list[Entry]:
        """Return the tasks of a suite, in the order in which `discover` finds them."""
        members = [entry for entry in self.tasks.values() if name in entry.declared.get("suites", ())]
        if not members:
            raise unknown("suite", name, self.suites())
        return members

    def suites(self) -> list[str]:
        return sorted({suite for entry in self.tasks.values() for suite in entry.declared.get("suites", ())})


def data_sources(entries: Iterable[Entry]) -> dict[str, DataSource]:
    """Import tasks, and return their data sources by name."""
    tasks = [cast("type[Task]", entry.load()) for entry in entries]
    return {source.name: source for task in tasks for source in task.data_sources}


def discover(plugins: Sequence[Path] = ()) -> Registry:
    """Return everything registered by installed packages and by the given plugin files.

    The classes of one entry point are sorted by name; those of plugin files follow in the given order.

    Raises
    ------
    UserError
        For a plugin file that cannot be read or registers nothing. Problems with
        installed packages are only listed in the registry's `problems`.
    """
    registry = Registry()
    for group in ("archarena.models", "archarena.tasks"):
        for point in metadata.entry_points(group=group):
            _add_installed(registry, point.module, f"entry point '{point.name}' of {group}")
    for plugin in plugins:
        what, file = f"plugin {plugin}", Path(plugin).resolve()
        if not file.is_file():
            raise UserError(f"The {what} does not exist: no file {file}.")
        entries = _read(file, None, what)
        if not entries:
            raise UserError(_nothing(what, file))
        for entry in entries:
            registry.add(entry)
    return registry


def get_model(name: str, plugins: Sequence[Path] = ()) -> type:
    """Return the class of the model called `name`."""
    return discover(plugins).find("model", name).load()


def get_task(name: str, plugins: Sequence[Path] = ()) -> type:
    """Return the class of the task called `name`."""
    return discover(plugins).find("task", name).load()


def _add_installed(registry: Registry, name: str, what: str) -> None:
    """Add the classes of a module, or of all modules of a package, sorted by name; problems are only reported."""
    try:
        modules = source_files(name)
    except Exception as error:
        registry.problems.append(f"The {what} names module '{name}', which cannot be found ({describe(error)}).")
        return
    entries: list[Entry] = []
    problems: list[str] = []
    for module, file in modules.items():
        try:
            entries += _read(file, module, what if module == name else f"module '{module}' of {what}")
        except UserError as error:
            problems.append(str(error))
    if not entries and not problems:
        problems.append(_nothing(what, name))
    registry.problems += problems
    for entry in sorted(entries, key=lambda entry: entry.name):
        registry.add(entry)


def _read(file: Path, module: str | None, what: str) -> list[Entry]:
    try:
        return scan(file, module)
    except (OSError, SyntaxError, ValueError, UserError) as error:
        reason = str(error) if isinstance(error, UserError) else f"{describe(error)}."
        raise UserError(f"The {what} cannot be read: {reason}") from error
    except (RecursionError, MemoryError):
        raise UserError(f"The {what} cannot be read: its source is nested too deeply.") from None


def _nothing(what: str, place: Path | str) -> str:
    return f"The {what} registers nothing: no class in {place} has @register_model or @register_task."
