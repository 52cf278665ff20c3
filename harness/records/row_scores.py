"""Scores per test row, kept with a record: enough to judge whether models differ, without their predictions."""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load, save

from ..errors import UserError
from .record import Artifact

KEPT_ROWS = 10_000
"""Maximum number of rows, or clusters of rows, kept per column: a random sample, the same for all records."""

LARGEST_BYTES = 2**26
"""Maximum size of the scores of one record in memory."""

_DROPPED_BITS = 13
"""Of the 23 bits of a 32-bit mantissa, 10 are kept: three digits, of which two thirds of the bytes remain."""


@dataclass(frozen=True)
class RowScores:
    """Scores per row by column.

    Attributes
    ----------
    columns
        (rows,) or (clusters,) 32-bit values whose mean is the column's score, apart from rounding and sampling.
        Entries of two records of the same test set belong to the same rows.
    """

    columns: Mapping[str, np.ndarray] = field(default_factory=dict)

    @classmethod
    def of(cls, values: Mapping[str, np.ndarray]) -> RowScores:
        """Return the scores to keep of all rows: at most `KEPT_ROWS` per column, rounded to three digits."""
        kept = {column: _rounded(_sampled(found)) for column, found in values.items()}
        return cls({column: found for column, found in kept.items() if np.isfinite(found).all()})

    def to_bytes(self) -> bytes:
        """Return the scores as compressed safetensors."""
        return zlib.compress(save({column: _as_bits(values) for column, values in self.columns.items()}), 9)

    @classmethod
    def from_bytes(cls, content: bytes) -> RowScores:
        """Return the scores in compressed safetensors; raise `UserError` if they are not valid."""
        try:
            expand = zlib.decompressobj()
            columns = load(expand.decompress(content, LARGEST_BYTES))
        except (zlib.error, SafetensorError, KeyError, ValueError) as error:
            raise UserError(f"Scores per row cannot be read: {error}.") from None
        for column, values in columns.items():
            if values.dtype not in (np.float32, np.uint8) or values.ndim != 1 or not np.isfinite(values).all():
                raise UserError(f"The scores per row of '{column}' are not a list of finite numbers.")
        return cls({column: values.astype(np.float32) for column, values in columns.items()})

    def write(self, results: Path, key: str) -> Artifact | None:
        """Write the scores into a results folder, unless there are none."""
        if not self.columns:
            return None
        counts = {column: len(values) for column, values in self.columns.items()}
        return Artifact.write(results, "rows", key, self.to_bytes(), counts)

    @classmethod
    def read(cls, artifact: Artifact, results: Path) -> RowScores:
        """Return the scores kept with a record; raise `UserError` if they are missing, changed or not valid."""
        return cls.from_bytes(artifact.read(results))


def _as_bits(values: np.ndarray) -> np.ndarray:
    """Return values that are all 0 or 1 as bytes, and others unchanged."""
    return values.astype(np.uint8) if ((values == 0) | (values == 1)).all() else values


def _sampled(values: np.ndarray) -> np.ndarray:
    if len(values) <= KEPT_ROWS:
        return values
    return values[np.sort(np.random.default_rng(0).permutation(len(values))[:KEPT_ROWS])]


def _rounded(values: np.ndarray) -> np.ndarray:
    """Return values rounded to 10 bits of their mantissa; the rest is 0 and disappears in compression."""
    bits = np.ascontiguousarray(values, np.float32).view(np.uint32)
    half = np.uint32(1 << (_DROPPED_BITS - 1))
    return ((bits + half) & ~np.uint32((1 << _DROPPED_BITS) - 1)).view(np.float32)
