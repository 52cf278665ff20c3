"""The content of files that settings name, such as a checkpoint or a CSV file."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ..contract.scan import Entry
from ..errors import UserError
from ..records.hashes import canonical_hash, file_hash


def named_files(settings: Any, folder: Path = Path()) -> dict[str, str]:
    """Return the hash of every file or folder named by a string in `settings`, by that string.

    A string is a path if it has a separator or a suffix. It is relative to `folder` or, if there is no such file, to
    the working directory. The hash of a folder covers the files directly in it, as in the folder of a pretrained model.

    Raises
    ------
    UserError
        If a file cannot be read.
    """
    texts = sorted(set(_strings(settings)))
    return {text: found for text in texts if (found := _hash_of(text, folder) or _hash_of(text, Path()))}


def _strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for part in value.values():
            yield from _strings(part)
    elif isinstance(value, list | tuple):
        for part in value:
            yield from _strings(part)


def _hash_of(text: str, folder: Path) -> str | None:
    path = folder / text
    try:
        is_word = len(Path(text).parts) < 2 and not Path(text).suffix  # a choice such as "mean", not a path
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


def default_texts(entry: Entry) -> list[str]:
    """Return the strings that are defaults of a class's hyperparameters, read from its source."""
    tree = ast.parse(entry.file.read_bytes())
    classes = [node for node in ast.walk(tree) if isinstance(node, ast.ClassDef) and node.name == entry.class_name]
    starts = [node for cls in classes for node in cls.body if getattr(node, "name", "") == "__init__"]
    defaults = [value for start in starts if isinstance(start, ast.FunctionDef) for value in start.args.kw_defaults]
    return [value.value for value in defaults if isinstance(value, ast.Constant) and isinstance(value.value, str)]
