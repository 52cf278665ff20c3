"""Hashing the source code of a model or task."""

from __future__ import annotations

import ast
import hashlib
from functools import cache
from pathlib import Path

from ..contract.scan import Entry, module_file
from ..errors import UserError

_HARNESS = "archarena.harness"


def source_hash(entry: Entry) -> str:
    """Return a hash of the class's file and of the archarena modules it imports, except the harness.

    Comments, docstrings, layout and imports from the harness are ignored. C files next to an imported
    module are included. The harness is covered by the protocol version.
    """
    digest = hashlib.sha256()
    files = _closure(entry.file, entry.module)
    for file in sorted(files, key=lambda path: (path.name, str(path))):
        digest.update(file.name.encode() + b"\0" + _meaning(file, files[file], file.stat().st_mtime_ns) + b"\0")
    return digest.hexdigest()


def _closure(file: Path, module: str | None) -> dict[Path, str | None]:
    """Return the module names of the files that a class depends on, by path."""
    found: dict[Path, str | None] = {}
    waiting: list[tuple[Path, str | None]] = [(file, module)]
    while waiting:
        path, name = waiting.pop()
        if path in found:
            continue
        found[path] = name
        waiting += [(module_file(imported), imported) for imported in _imports(path, name, path.stat().st_mtime_ns)]
    native = {source: None for path, name in found.items() if name for source in path.parent.glob("*.c")}
    return found | native


@cache
def _imports(file: Path, module: str | None, _changed_at: int) -> tuple[str, ...]:
    """Return the archarena modules outside the harness that a file imports."""
    names: list[str] = []
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom):
            base = _absolute(node, file, module)
            names += [base, *(f"{base}.{alias.name}" for alias in node.names)]
        elif isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
    return tuple(name for name in dict.fromkeys(names) if _is_ours(name))


def _absolute(node: ast.ImportFrom, file: Path, module: str | None) -> str:
    if not node.level:
        return node.module or ""
    package = (module or "").split(".")
    if file.name != "__init__.py":
        package = package[:-1]
    package = package[: len(package) - node.level + 1]
    return ".".join([*package, *([node.module] if node.module else [])])


def _is_ours(name: str) -> bool:
    if not name.startswith("archarena.") or _is_harness(name):
        return False
    try:
        return module_file(name).suffix == ".py"
    except ModuleNotFoundError:
        return False


def _is_harness(name: str) -> bool:
    return name == _HARNESS or name.startswith(f"{_HARNESS}.")


@cache
def _meaning(file: Path, module: str | None, _changed_at: int) -> bytes:
    source = file.read_text(encoding="utf-8")
    if file.suffix != ".py":
        return source.encode()

    def is_ignored(node: ast.AST, place: int) -> bool:
        if isinstance(node, ast.ImportFrom):
            return _is_harness(_absolute(node, file, module))
        if isinstance(node, ast.Import):
            return all(_is_harness(alias.name) for alias in node.names)
        return place == 0 and _is_docstring(node)

    tree = ast.parse(source)
    for node in ast.walk(tree):
        body = getattr(node, "body", None)
        if isinstance(body, list):
            body[:] = [child for place, child in enumerate(body) if not is_ignored(child, place)] or [ast.Pass()]
    try:
        return ast.unparse(tree).encode()
    except RecursionError:
        raise UserError(f"The source of {file} is nested too deeply.") from None


def _is_docstring(node: ast.AST) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
