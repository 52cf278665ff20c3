"""Hashing the source code of a model or task."""

from __future__ import annotations

import ast
import hashlib
from functools import cache
from pathlib import Path

from ..contract.scan import Entry
from ..errors import UserError
from .imports import absolute, closure, is_harness


def source_hash(entry: Entry) -> str:
    """Return a hash of the class's file and of the modules that it imports from its own project and archarena.

    Comments, docstrings, layout, the name of a plugin's file and imports from the harness are ignored. C files next to
    an imported module are included. The harness is covered by the protocol version.
    """
    digest = hashlib.sha256()
    renamed = {entry.file: ""} if entry.module is None else {}  # no module imports a plugin's own file by its name
    files = closure(entry.file, entry.module).items()
    found = ((renamed.get(f, f.name), _meaning(f, module, f.stat().st_mtime_ns)) for f, module in files)
    for name, meaning in sorted(found):
        digest.update(name.encode() + b"\0" + meaning + b"\0")
    return digest.hexdigest()


@cache
def _meaning(file: Path, module: str | None, _changed_at: int) -> bytes:
    """Return a file's content, or for Python its code without what does not change a result."""
    source = file.read_bytes()
    if file.suffix != ".py":
        return source

    def is_ignored(node: ast.AST, place: int) -> bool:
        if isinstance(node, ast.ImportFrom):
            return is_harness(absolute(node, file, module))
        if isinstance(node, ast.Import):
            return all(is_harness(alias.name) for alias in node.names)
        return place == 0 and _is_docstring(node)

    try:
        tree = ast.parse(source)
        for node in ast.walk(tree):
            body = getattr(node, "body", None)
            if isinstance(body, list):
                body[:] = [child for place, child in enumerate(body) if not is_ignored(child, place)] or [ast.Pass()]
        return ast.unparse(tree).encode()
    except (SyntaxError, ValueError):
        return source
    except RecursionError:
        raise UserError(f"The source of {file} is nested too deeply.") from None


def _is_docstring(node: ast.AST) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
