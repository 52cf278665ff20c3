"""Hashes of JSON values and of files, used in keys and as checksums."""

from __future__ import annotations

import hashlib
import json
from functools import cache
from pathlib import Path
from typing import Any


def canonical_hash(value: Any) -> str:
    """Return the SHA-256 of a value as canonical JSON: sorted keys, no spaces, ASCII only.

    Raises `ValueError` for NaN and infinities.
    """
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()


def file_hash(path: Path) -> str:
    """Return the SHA-256 of a file; it is read again in this process only if its size or times have changed."""
    status = path.stat()
    return _file_hash(path.resolve(), status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns)


@cache
def _file_hash(path: Path, *_status: int) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
