"""Verifying that arrays on disk, and the file that describes them, are those that were prepared."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..errors import UserError
from ..files import read_regular, write_json
from ..records.hashes import canonical_hash, file_hash

_META_BYTES = 16 * 2**20


def write_meta_file(path: Path, content: dict[str, Any]) -> None:
    """Write a description of arrays with a checksum of its content."""
    write_json(path, content | {"own_checksum": canonical_hash(content)})


def read_meta_file(path: Path) -> dict[str, Any]:
    """Return the content that `write_meta_file` wrote; raise `ValueError` or `OSError` if it is missing or changed."""
    try:
        content = json.loads(read_regular(path, _META_BYTES))
        if content.pop("own_checksum") != canonical_hash(content):
            raise ValueError("wrong checksum")
    except (UserError, LookupError, AttributeError, TypeError, RecursionError) as error:
        raise ValueError(f"{path} is missing or was changed") from error
    return content


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
