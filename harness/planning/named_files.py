"""The content of files that settings name, such as a checkpoint or a CSV file."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ..errors import UserError
from ..records.hashes import canonical_hash, file_hash


def named_files(settings: Any) -> dict[str, str]:
    """Return the hash of every file or folder named by a string in `settings`, by that string.

    A string is a path if it has a separator or a suffix. The hash of a folder covers the files directly in it, as in
    the folder of a pretrained model.

    Raises
    ------
    UserError
        If a file cannot be read.
    """
    return {text: found for text in sorted(set(_strings(settings))) if (found := _hash_of(text))}


def _strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for part in value.values():
            yield from _strings(part)
    elif isinstance(value, list | tuple):
        for part in value:
            yield from _strings(part)


def _hash_of(text: str) -> str | None:
    path = Path(text)
    try:
        is_word = len(path.parts) < 2 and not path.suffix  # a choice such as "mean", not a path
        if is_word or not path.exists():
            return None
    except (OSError, ValueError):  # too long for a path, or with a null character
        return None
    try:
        if path.is_dir():
            return canonical_hash({file.name: file_hash(file) for file in path.iterdir() if file.is_file()})
        return file_hash(path) if path.is_file() else None
    except OSError as error:
        raise UserError(f"Cannot read {path}, which a setting names: {error.strerror or error}.") from error
