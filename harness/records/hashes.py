"""Hashes of JSON values and of files, used in keys and as checksums."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any


def canonical_hash(value: Any) -> str:
    """Return the SHA-256 of a value as canonical JSON: sorted keys, no spaces, ASCII only.

    Raises `ValueError` for NaN and infinities.
    """
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()


def file_hash(path: Path) -> str:
    """Return the SHA-256 of a file; a process reads it again only if its size or time of change differ."""
    status = path.stat()
    identity = (status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns)
    if identity not in _FILE_HASHES:
        with path.open("rb") as file:
            _FILE_HASHES[identity] = hashlib.file_digest(file, "sha256").hexdigest()
    return _FILE_HASHES[identity]


_FILE_HASHES: dict[tuple[int, ...], str] = {}
