"""The source files that a class depends on, found by reading import statements."""

from __future__ import annotations

import ast
import os
from collections.abc import Iterator
from functools import cache
from importlib import metadata
from pathlib import Path

from ..contract.scan import Entry, module_file

_HARNESS = "archarena.harness"

_PROJECT_FILES = ("pyproject.toml", "setup.py", ".git")


def closure(file: Path, module: str | None) -> dict[Path, str | None]:
    """Return the module names of the files that a class depends on, by path.

    These are, transitively, the modules that its file imports from archarena except the harness, from
    the folders of its own project and from its own distribution, with C sources next to them. Other
    packages are not followed.
    """
    folders, packages = _folders(file) if module is None else (), _packages(module)
    found: dict[Path, str | None] = {}
    waiting: list[tuple[Path, str | None]] = [(file, module)]
    while waiting:
        path, name = waiting.pop()
        if path in found:
            continue
        found[path] = name
        for imported in _with_parents(_imports(path, name, path.stat().st_mtime_ns)):
            source = _find(imported, folders, packages)
            waiting += [(source, imported)] if source else []
    native = {source: None for path, name in found.items() if name for source in path.parent.glob("*.c")}
    return found | native


def own_sources(entry: Entry) -> tuple[Path, list[Path]]:
    """Return the files that the source hash of a class covers, except those of archarena.

    The first value is the folder from which they can be imported by the names that they have in import statements.
    """
    files = closure(entry.file, entry.module)
    others = {file.parent for file, name in files.items() if name and name.startswith("archarena.")}
    own = {file: name for file, name in files.items() if file.parent not in others}
    roots = [_root(file, name) if name else file.parent for file, name in own.items()]
    return Path(os.path.commonpath(roots)), list(own)


def _root(file: Path, name: str) -> Path:
    """Return the folder from which a module is imported by its name."""
    return file.parents[name.count(".") + (file.name == "__init__.py")]


def absolute(node: ast.ImportFrom, file: Path, module: str | None) -> str:
    """Return the absolute name of the module that an import statement in `file` names."""
    if not node.level:
        return node.module or ""
    package = (module or "").split(".")
    if file.name != "__init__.py":
        package = package[:-1]
    package = package[: len(package) - node.level + 1]
    return ".".join([*package, *([node.module] if node.module else [])])


def is_harness(name: str) -> bool:
    """Return whether a module belongs to the harness, which the protocol version covers."""
    return name == _HARNESS or name.startswith(f"{_HARNESS}.")


@cache
def _imports(file: Path, module: str | None, _changed_at: int) -> tuple[str, ...]:
    """Return the modules that a file may import: ``from a import b`` may import ``a`` and ``a.b``."""
    if file.suffix != ".py":
        return ()
    try:
        tree = ast.parse(file.read_bytes())
    except (SyntaxError, ValueError, RecursionError):
        return ()
    names: list[str] = []
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            base = absolute(node, file, module)
            names += [base, *(f"{base}.{alias.name}" for alias in node.names)]
        elif isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
    return tuple(dict.fromkeys(names))


def _with_parents(names: tuple[str, ...]) -> Iterator[str]:
    """Yield every module with the packages it is in, whose ``__init__.py`` files run first."""
    parts = [name.split(".") for name in names]
    yield from dict.fromkeys(".".join(part[: end + 1]) for part in parts for end in range(len(part)))


def _find(name: str, folders: tuple[Path, ...], packages: frozenset[str]) -> Path | None:
    """Return the source file of a module of archarena, the folders or the packages, or None."""
    if not name:
        return None
    if name.startswith("archarena."):
        return None if is_harness(name) else _archarena_file(name)
    for folder in folders:
        place = folder.joinpath(*name.split("."))
        for path in (place / "__init__.py", place.with_name(f"{place.name}.py")):
            if path.is_file():
                return path
    return _module_file(name) if name.split(".")[0] in packages else None


def _module_file(name: str) -> Path | None:
    try:
        return module_file(name)
    except ModuleNotFoundError:
        return None


_archarena_file = cache(_module_file)


def _folders(plugin: Path) -> tuple[Path, ...]:
    """Return where a plugin file imports from: its folder, and those above it up to the root of its project.

    The root has a project file. Without one, it is the folder that contains the plugin's package.
    """
    above = list(plugin.parents)
    roots = [place for place, folder in enumerate(above) if any((folder / name).exists() for name in _PROJECT_FILES)]
    in_packages = next((place for place, folder in enumerate(above) if not (folder / "__init__.py").is_file()), 0)
    folders = above[: max(roots[0] if roots else 0, in_packages) + 1]
    return (*folders, folders[-1] / "src")


@cache
def _packages(module: str | None) -> frozenset[str]:
    """Return the top-level packages of the distribution that an installed module belongs to."""
    top = (module or "archarena").split(".")[0]
    if top == "archarena":
        return frozenset()
    distributions = metadata.packages_distributions()
    own = set(distributions.get(top, ()))
    return frozenset({top} | {name for name, found in distributions.items() if own & set(found)})
