"""Atomic writes of files and folders, and the cache folder."""

from __future__ import annotations

import json
import os
import re
import shutil
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

import platformdirs

from .errors import UserError


def write_atomically(path: Path, content: bytes, *, durable: bool = True) -> None:
    """Write a file atomically: temporary file, fsync, rename, fsync of the folder.

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
        if durable:
            _sync(path.parent)
    except OSError as error:
        if temporary:
            Path(temporary).unlink(missing_ok=True)
        raise UserError(f"Cannot write {path}: {error.strerror or error}. Finished results are kept.") from error


def write_json(path: Path, value: Any) -> None:
    """Write indented JSON with sorted keys atomically; NaN and infinities are rejected."""
    text = json.dumps(value, indent=1, sort_keys=True, allow_nan=False, ensure_ascii=False)
    write_atomically(path, text.encode() + b"\n")


def read_regular(path: Path, most: int) -> bytes:
    """Return the content of a file that another process wrote.

    Raises
    ------
    UserError
        As for `open_regular`, or if it is larger than `most` bytes.
    """
    with open_regular(path) as file:
        if os.fstat(file.fileno()).st_size > most:
            raise UserError(f"{path.name} is larger than {most / 2**20:.0f} MiB.")
        return file.read()


@contextmanager
def open_regular(path: Path) -> Iterator[BinaryIO]:
    """Open a file that another process wrote.

    Raises
    ------
    UserError
        If it is missing, or not a regular file (a folder, a link, or a pipe, which could block).
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW)
    except FileNotFoundError:
        raise UserError(f"{path.name} is missing.") from None
    except OSError as error:
        raise UserError(f"{path.name} is not a readable file: {error.strerror}.") from None
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise UserError(f"{path.name} is not a regular file.")
        with os.fdopen(descriptor, "rb", closefd=False) as file:
            yield file
    finally:
        os.close(descriptor)


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yield a path to write a file or folder at; it replaces `path` durably if no error is raised."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{path.name}.", dir=path.parent) as folder:
        unfinished = Path(folder) / path.name
        yield unfinished
        for place in [unfinished, *unfinished.rglob("*")]:
            _sync(place)
        if path.is_dir():
            shutil.rmtree(path)
        unfinished.replace(path)
        _sync(path.parent)


def _sync(path: Path) -> None:
    """Write a file's content, or the names in a folder, to the disk; not all file systems can do this for a folder."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    except OSError:
        if not path.is_dir():
            raise
    finally:
        os.close(descriptor)


def cache_folder(kind: str) -> Path:
    """Return the cache folder of a kind: under ``ARCHARENA_CACHE``, or the user's cache directory."""
    chosen = os.environ.get("ARCHARENA_CACHE")
    return (Path(chosen) if chosen else platformdirs.user_cache_path("archarena")) / kind


def slug(text: str) -> str:
    """Return `text` as a file name with only letters, digits, dots, dashes and underscores."""
    return re.sub(r"[^A-Za-z0-9._-]+", "_", text).strip("._") or "_"
