"""Selective copying (Gu and Dao 2023, "Mamba", arXiv:2312.00752, section 4.1.1)."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

import numpy as np

from ..harness import (
    IGNORE,
    Budget,
    Evaluation,
    PerPosition,
    ReferenceScore,
    Split,
    Splits,
    Streams,
    Task,
    TaskSpec,
    Tokens,
    UserError,
    register_task,
)
from .rows import distinct_parts, token_split

SYMBOLS = 14
"""Number of tokens that can be copied; with the marker and the noise token, the paper's 16."""
MARKER, NOISE = SYMBOLS + 1, SYMBOLS + 2
CHUNK = 4_000
"""Rows per draw of positions; bounds memory."""


@register_task(
    "recall-copying",
    summary="Repeat, in order, the tokens at random positions among noise (selective copying).",
    suites=("recall", "quick"),
)
class SelectiveCopying(Task):
    """A row is noise with `memorised` tokens at random positions, then as many markers.

    The target at marker i is the i-th token; no other position is scored. The paper does not say
    whether its length of 4,096 counts the markers; here `length` does. The paper trains on new rows
    at every step, so no tier reproduces its setting.

    Parameters
    ----------
    length
        Tokens per row, including markers.
    memorised
        Number of tokens to copy, at most half of `length`.
    train, valid, test
        Number of rows.

    Raises
    ------
    UserError
        If the tokens do not fit before the markers.
    """

    arguments: ClassVar = {
        "smoke": {"length": 32, "memorised": 4, "train": 256, "valid": 64, "test": 128},
        "quick": {"length": 64, "memorised": 8, "train": 20_000, "valid": 250, "test": 1_000},
        "standard": {"length": 1_024, "memorised": 16, "train": 100_000, "valid": 500, "test": 2_000},
        "full": {"length": 4_096, "memorised": 16, "train": 100_000, "valid": 500, "test": 2_000},
    }
    plateau: ClassVar = True
    budgets: ClassVar = {
        "smoke": Budget(steps=20, batch=16),
        "quick": Budget(steps=400, batch=32),
        "standard": Budget(steps=10_000, batch=64),
        "full": Budget(steps=400_000, batch=64),
    }
    evaluations = (Evaluation("position_accuracy", "Share of tokens copied correctly.", ceiling=1.0, solved=0.99),)
    published_tiers = ()
    shown_as = "tokens"

    def __init__(self, length: int, memorised: int, train: int, valid: int, test: int):
        if 2 * memorised > length:
            raise UserError(f"{memorised} tokens and their markers need a length of {2 * memorised}; found {length}.")
        self.length, self.memorised = length, memorised
        self.train, self.valid, self.test = train, valid, test

    @property
    def spec(self) -> TaskSpec:
        return TaskSpec(Tokens(NOISE + 1, self.length), PerPosition(NOISE + 1), causal=True)

    def splits(self, data: Path, streams: Streams) -> Splits:
        train, valid, test = distinct_parts(self._draw, streams, self.train, self.valid, self.test)
        return Splits(self._split(train), self._split(valid), {"test": self._split(test)})

    def reference_scores(self, splits: Splits) -> list[ReferenceScore]:
        return [ReferenceScore("", "any token", 1 / SYMBOLS, "chance", "A random guess among the possible tokens.")]

    def _draw(self, generator: np.random.Generator, n: int) -> np.ndarray:
        """Return (n, length) tokens."""
        before = self.length - self.memorised
        rows = np.full((n, self.length), NOISE, np.int8)
        rows[:, before:] = MARKER
        for start in range(0, n, CHUNK):
            part = rows[start : start + CHUNK]
            places = generator.random((len(part), before), np.float32).argpartition(self.memorised - 1, axis=1)
            symbols = generator.integers(1, SYMBOLS + 1, size=(len(part), self.memorised), dtype=np.int8)
            np.put_along_axis(part, places[:, : self.memorised], symbols, axis=1)
        return rows

    def _split(self, rows: np.ndarray) -> Split:
        targets = np.full_like(rows, IGNORE)
        targets[:, -self.memorised :] = rows[rows <= SYMBOLS].reshape(len(rows), self.memorised)
        return token_split(rows, targets)
