"""Texts as rows of byte tokens: byte b is token b + 1, and 0 is padding at the end."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from ..harness import IGNORE

END = 257
"""The token that ends a text."""


def byte_rows(texts: Sequence[bytes], length: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the first `length` bytes of each text, (texts, length) int16, and their number, at least 1, (texts,)."""
    return _rows([np.frombuffer(text[:length], np.uint8) + np.int16(1) for text in texts], length)


def read_bytes(tokens: np.ndarray) -> list[list[str]]:
    """Decode byte tokens (rows, samples, length), each up to its padding."""
    return [[_spell(sample) for sample in row] for row in tokens]


def _spell(tokens: np.ndarray) -> str:
    spelt = tokens[(tokens > 0) & (tokens < END)] - 1
    return spelt.astype(np.uint8).tobytes().decode(errors="replace")


def _rows(sequences: Sequence[np.ndarray], length: int, padding: int = 0) -> tuple[np.ndarray, np.ndarray]:
    lengths = np.array([len(sequence) for sequence in sequences], dtype=np.int64)
    rows = np.full((len(sequences), length), padding, dtype=np.int16)
    rows[np.arange(length) < lengths[:, None]] = np.concatenate(sequences)
    return rows, np.maximum(lengths, 1)


class Continuations(NamedTuple):
    """Inputs ``tokens`` and next-token targets ``scored``, -100 outside continuations, (rows, length) int16."""

    tokens: np.ndarray
    lengths: np.ndarray
    scored: np.ndarray


def continuations(pairs: Sequence[tuple[bytes, bytes]], length: int, *, end: bool) -> Continuations:
    """Return rows of (context, continuation); only the continuation is scored.

    Parameters
    ----------
    pairs
        (context, continuation), cut off at the end to ``length + 1`` tokens in total.
    end
        Whether to add `END` after each continuation that is not cut off.
    """
    inputs, targets = [], []
    for context, continuation in pairs:
        text = np.frombuffer(context + continuation, np.uint8) + np.int16(1)
        text = np.append(text, np.int16(END)) if end else text
        following = text[1 : length + 1].copy()
        following[: len(context) - 1] = IGNORE
        inputs.append(text[:-1][:length])
        targets.append(following)
    tokens, lengths = _rows(inputs, length)
    return Continuations(tokens, lengths, _rows(targets, length, IGNORE)[0])
