"""Drawing rows that are all different."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

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
