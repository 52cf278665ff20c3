"""Draw distinct rows of tokens, make splits of them, and join splits with rows of different lengths."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

import numpy as np

from ..harness import IGNORE, Split, Streams, UserError

MAX_ROUNDS = 200


def distinct_rows(draw: Callable[[int], np.ndarray], n: int, exclude: np.ndarray | None = None) -> np.ndarray:
    """Return the first `n` distinct rows from `draw` that are not in `exclude`.

    Parameters
    ----------
    draw
        Takes a count and returns about as many rows, an integer array (rows, width).
    exclude
        Distinct rows of the same width and type, such as the test set.

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
        f"Too few distinct rows: found {n - missing} of {n} in addition to {barred} held-out rows. "
        "Use fewer rows or a larger vocabulary or length."
    )


def distinct_parts(
    draw: Callable[[np.random.Generator, int], np.ndarray], streams: Streams, train: int, valid: int, test: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return training, validation and test rows, all distinct; only the training rows depend on the seed."""
    held_out = distinct_rows(partial(draw, streams.fixed), valid + test)
    return distinct_rows(partial(draw, streams.train), train, held_out), held_out[:valid], held_out[valid:]


def first_occurrences(rows: np.ndarray) -> np.ndarray:
    """Return, in order, the index of the first occurrence of each distinct row."""
    rows = np.ascontiguousarray(rows)
    whole = rows.view(np.dtype((np.void, rows.dtype.itemsize * rows.shape[1])))[:, 0]
    return np.sort(np.unique(whole, return_index=True)[1])


def token_split(tokens: np.ndarray, targets: np.ndarray) -> Split:
    """Return rows of tokens without padding, with one target per position."""
    return Split({"tokens": tokens, "lengths": np.full(len(tokens), tokens.shape[1], np.int32)}, targets)


def next_tokens(rows: np.ndarray, first_scored: int = -1) -> Split:
    """Return rows of tokens whose targets are the next tokens, scored from position `first_scored` on."""
    targets = rows[:, 1:].copy()
    targets[:, :first_scored] = IGNORE
    return token_split(rows[:, :-1], targets)


def joined(parts: Sequence[Split], ignore: int = IGNORE) -> Split:
    """Concatenate splits of tokens with targets per position, padded at the end to the longest row."""
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
