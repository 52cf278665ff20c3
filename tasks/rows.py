"""Rows of tokens: drawing different ones, and joining some of several lengths."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from ..harness.contract.task import Split
from ..harness.errors import UserError

MAX_ROUNDS = 200


def distinct_rows(draw: Callable[[int], np.ndarray], n: int, exclude: np.ndarray | None = None) -> np.ndarray:
    """Return the first `n` different rows that `draw` gives and `exclude` does not hold.

    Parameters
    ----------
    draw
        Takes a count and returns about that many rows, an integer array (rows, width).
    exclude
        Different rows of the same width and type, such as the test set.

    Raises
    ------
    UserError
        If there are too few such rows.
    """
    barred = 0 if exclude is None else len(exclude)
    missing = n
    rows = draw(n) if exclude is None else np.concatenate([exclude, draw(n)])
    for _ in range(MAX_ROUNDS):
        rows = rows[first_occurrences(rows)]
        missing = barred + n - len(rows)
        if missing <= 0:
            return rows[barred : barred + n]
        rows = np.concatenate([rows, draw(max(missing, n // 2))])
    raise UserError(
        f"There are too few different rows: {n - missing} of {n} were found beside {barred} held out; "
        "ask for fewer rows or a larger space."
    )


def first_occurrences(rows: np.ndarray) -> np.ndarray:
    """Return, in order, the index of the first occurrence of each different row."""
    rows = np.ascontiguousarray(rows)
    whole = rows.view(np.dtype((np.void, rows.dtype.itemsize * rows.shape[1])))[:, 0]
    return np.sort(np.unique(whole, return_index=True)[1])


def joined(parts: Sequence[Split], ignore: int = -100) -> Split:
    """Return the rows of all parts, tokens with targets at each position, padded at the end to the longest."""
    longest = max(part.targets.shape[1] for part in parts)

    def padded(arrays: Sequence[np.ndarray], value: int) -> np.ndarray:
        rows = np.full((sum(map(len, arrays)), longest), value, arrays[0].dtype)
        starts = np.cumsum([0, *map(len, arrays)])
        for start, array in zip(starts, arrays, strict=False):
            rows[start : start + len(array), : array.shape[1]] = array
        return rows

    lengths = np.concatenate([part.inputs["lengths"] for part in parts])
    tokens = padded([part.inputs["tokens"] for part in parts], 0)
    return Split({"tokens": tokens, "lengths": lengths}, padded([part.targets for part in parts], ignore))
