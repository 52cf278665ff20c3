"""Hashes of rows, to find rows that are in two splits."""

from __future__ import annotations

from hashlib import blake2b

import numpy as np

from ..contract.task import Split


def row_keys(split: Split) -> np.ndarray:
    """Return one 64-bit hash per row over its inputs, ignoring trailing zeros (padding)."""
    names = [name for name in ("tokens", "ids", "dense", "values", "pixels") if name in split.inputs]
    columns = [_row_bytes(np.asarray(split.inputs[name])) for name in names]
    hashes = [blake2b(b"|".join(parts), digest_size=8).digest() for parts in zip(*columns, strict=True)]
    return np.frombuffer(b"".join(hashes), np.uint64)


def _row_bytes(array: np.ndarray) -> list[bytes]:
    dtype = np.int64 if array.dtype.kind in "iu" else np.float64
    return [row.astype(dtype).tobytes().rstrip(b"\0") for row in array]
