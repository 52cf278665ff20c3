"""Which path each operation took in this process, for the records."""

from __future__ import annotations

import importlib.util
from functools import cache

_taken: dict[str, set[str]] = {}


def note(operation: str, path: str) -> None:
    """Remember that `operation` ran along `path`."""
    _taken.setdefault(operation, set()).add(path)


def paths_taken() -> dict[str, list[str]]:
    """Return the paths each operation has taken in this process so far, sorted, as in ``{"selective_scan": ["c"]}``."""
    return {operation: sorted(paths) for operation, paths in sorted(_taken.items())}


@cache
def has_triton() -> bool:
    """Return whether Triton is installed, without importing it."""
    return importlib.util.find_spec("triton") is not None
