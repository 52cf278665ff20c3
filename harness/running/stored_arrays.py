"""The names, types and shapes in a safetensors file that another process wrote, read without its numbers.

The format: 8 bytes with the length of the header, the header as JSON, and the numbers
(https://github.com/huggingface/safetensors#format).
"""

from __future__ import annotations

import hashlib
import json
import math
import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..errors import UserError
from ..files import open_regular

ARTIFACT_BYTES = 2**32
"""Maximum size of the predictions, and of the weights, that are read from a trial."""

_HEADER_BYTES = 100 * 2**20
_ITEM_BYTES = {"BOOL": 1, "U8": 1, "I8": 1, "F8_E4M3": 1, "F8_E5M2": 1, "U16": 2, "I16": 2, "F16": 2, "BF16": 2}
_ITEM_BYTES |= {"U32": 4, "I32": 4, "F32": 4, "U64": 8, "I64": 8, "F64": 8, "C64": 8}


@dataclass(frozen=True)
class StoredArray:
    """An array of a file: its shape, and the place of its bytes."""

    shape: tuple[int, ...]
    begin: int
    end: int

    @property
    def numbers(self) -> int:
        return math.prod(self.shape)


def read_header(path: Path, most: float = ARTIFACT_BYTES) -> dict[str, StoredArray]:
    """Return the arrays of a file by name.

    Raises
    ------
    UserError
        If the file is missing, not a regular file, not in this format or larger than `most` bytes, or if a shape does
        not match its bytes.
    """
    with open_regular(path) as file:
        size = os.fstat(file.fileno()).st_size
        if size > most:
            raise UserError(f"{path.name} is larger than {most / 2**20:.0f} MiB.")
        length = int.from_bytes(file.read(8), "little")
        if size < 8 + length or length > _HEADER_BYTES:
            raise UserError(f"{path.name} cannot be read: its header is cut short or too long.")
        try:
            header = json.loads(file.read(length))
            header.pop("__metadata__", None)
            return {name: _array(entry, 8 + length, size) for name, entry in header.items()}
        except (ValueError, TypeError, LookupError, AttributeError, RecursionError) as error:
            raise UserError(f"{path.name} cannot be read: its header is not valid ({type(error).__name__}).") from None


def _array(entry: dict[str, Any], start: int, size: int) -> StoredArray:
    shape, (begin, end) = tuple(map(int, entry["shape"])), entry["data_offsets"]
    found = StoredArray(shape, start + begin, start + end)
    fits = min(shape, default=0) >= 0 and start <= found.begin <= found.end <= size
    if not fits or found.numbers * _ITEM_BYTES[entry["dtype"]] != end - begin:
        raise ValueError("a shape does not match its bytes")
    return found


def distinct_numbers(path: Path, arrays: Iterable[StoredArray]) -> int:
    """Return how many numbers arrays of a file hold; arrays of equal bytes and shape, as tied weights, count once."""
    seen: dict[tuple[tuple[int, ...], str], int] = {}
    with open_regular(path) as file:
        for array in arrays:
            file.seek(array.begin)
            digest = hashlib.sha256(file.read(array.end - array.begin)).hexdigest()
            seen[array.shape, digest] = array.numbers
    return sum(seen.values())
