"""Verifying that arrays on disk are those that were prepared."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from ..records.hashes import file_hash


def array_hashes(folder: Path) -> dict[str, str]:
    """Return the SHA-256 of every array below a folder, by relative path."""
    return {path.relative_to(folder).as_posix(): file_hash(path) for path in sorted(folder.rglob("*.npy"))}


def changed_array(folder: Path, expected: Mapping[str, str], *, without: str | None = None) -> str | None:
    """Return the relative path of an array that is missing, new or changed since `array_hashes`, or None.

    Each file is read once per process, unless it changes. Arrays below the subfolder `without` are not read.
    """
    names = {path.relative_to(folder).as_posix() for path in folder.rglob("*.npy")} | expected.keys()
    for name in sorted(name for name in names if name.split("/")[0] != without):
        path = folder / name
        if name not in expected or not path.is_file() or file_hash(path) != expected[name]:
            return name
    return None
