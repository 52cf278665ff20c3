"""Atomic file writes."""

from __future__ import annotations

import json
import os
import re
import tempfile
from pathlib import Path
from typing import Any

from .errors import UserError


def write_atomically(path: Path, content: bytes, *, durable: bool = True) -> None:
    """Write a file atomically: temporary file, fsync, rename.

    Parameters
    ----------
    durable
        Whether the file must survive a power failure; False skips the fsync.

    Raises
    ------
    UserError
        If the disk is full or the folder is not writable; an existing file is kept.
    """
    temporary = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            if durable:
                file.flush()
                os.fsync(file.fileno())
        Path(temporary).chmod(0o644)
        Path(temporary).replace(path)
    except OSError as error:
        if temporary:
            Path(temporary).unlink(missing_ok=True)
        raise UserError(f"Cannot write {path}: {error.strerror or error}. Finished results are kept.") from error


def write_json(path: Path, value: Any) -> None:
    """Write indented JSON with sorted keys atomically; NaN and infinities are rejected."""
    text = json.dumps(value, indent=1, sort_keys=True, allow_nan=False, ensure_ascii=False)
    write_atomically(path, text.encode() + b"\n")


def slug(text: str) -> str:
    """Return `text` as a file name with only letters, digits, dots, dashes and underscores."""
    return re.sub(r"[^A-Za-z0-9._-]+", "_", text).strip("._") or "_"
