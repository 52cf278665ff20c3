"""In-context recall among noise (Poli et al. 2024, "Mechanistic Design and Scaling of Hybrid Architectures").

The tasks of this paper (arXiv:2403.17844, code athms/mad-lab) are `recall-noisy`, `recall-fuzzy`,
`recall-memorization` and `recall-compression`.
"""

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
from .recall_baselines import seen_value_scores
from .rows import distinct_parts, next_tokens

SOLVED = 0.99


@register_task(
    "recall-noisy",
    summary="Key-value pairs among noise: name the value of every repeated key (noisy recall of MAD-Lab).",
    suites=("recall", "quick"),
)
class NoisyRecall(Task):
    """A row consists of pairs of tokens: a random key and its value, or two noise tokens.

    A value belongs to its key throughout a row. Keys have ids 1 to `keys`, values the next `values` ids,
    noise the rest. The last pair is never noise; its key occurs before in the row, and all keys of the
    row are equally likely there. As published, training rows score every next token, and the other rows
    only the values of keys that occur before. The published tiers have the baseline setting of MAD.

    Parameters
    ----------
    keys, values
        Number of keys and of values.
    noise_symbols
        Number of noise tokens.
    noise
        Probability that a pair before the last is noise.
    length
        Tokens per row including the last value, even.
    train, valid, test
        Number of rows.

    Raises
    ------
    UserError
        If `length` is odd or less than 4.
    """

    arguments: ClassVar = {
        "smoke": {
            "keys": 4, "values": 4, "noise_symbols": 4, "noise": 0.2, "length": 16,
            "train": 256, "valid": 64, "test": 128,
        },
        "quick": {
            "keys": 8, "values": 8, "noise_symbols": 16, "noise": 0.2, "length": 32,
            "train": 12_800, "valid": 250, "test": 1_000,
        },
        "standard": {
            "keys": 8, "values": 8, "noise_symbols": 16, "noise": 0.2, "length": 128,
            "train": 12_800, "valid": 1_280, "test": 1_280,
        },
    }  # fmt: skip
    arguments["full"] = arguments["standard"]
    budgets: ClassVar = {
        "smoke": Budget(steps=20, batch=16),
        "quick": Budget(steps=600, batch=32),
        "standard": Budget(steps=5_000, batch=128),
        "full": Budget(steps=20_000, batch=128),
    }
    evaluations = (
        Evaluation("position_accuracy", "Share of repeated keys whose value is correct.", ceiling=1.0, solved=SOLVED),
    )
    published_tiers = ("standard", "full")
    shown_as = "tokens"
    plateau = True

    def __init__(
        self, keys: int, values: int, noise_symbols: int, noise: float, length: int, train: int, valid: int, test: int
    ):
        if length % 2 or length < 4:
            raise UserError(f"Rows of pairs need an even length of at least 4; found {length}.")
        self.keys, self.values, self.noise_symbols, self.noise = keys, values, noise_symbols, noise
        self.length = length
        self.train, self.valid, self.test = train, valid, test

    @property
    def vocabulary(self) -> int:
        """Return the number of token ids, including padding."""
        return 1 + self.keys + self.values + self.noise_symbols

    @property
    def spec(self) -> TaskSpec:
        return TaskSpec(Tokens(self.vocabulary, self.length - 1), PerPosition(self.vocabulary), causal=True)

    def splits(self, data: Path, streams: Streams) -> Splits:
        train, valid, test = distinct_parts(self._draw, streams, self.train, self.valid, self.test)
        return Splits(next_tokens(train, first_scored=0), self._asked(valid), {"test": self._asked(test)})

    def reference_scores(self, splits: Splits) -> list[ReferenceScore]:
        return seen_value_scores(splits.tests["test"], first=1 + self.keys, values=self.values)

    def _draw(self, generator: np.random.Generator, n: int) -> np.ndarray:
        """Return (n, length) tokens."""
        slots, each = self.length // 2, np.arange(n)
        map_of_row = generator.integers(self.values, size=(n, self.keys))
        keys = generator.integers(self.keys, size=(n, slots))
        noisy = generator.random((n, slots)) < self.noise
        noisy[each, generator.integers(slots - 1, size=n)] = False
        occurred = np.zeros((n, self.keys + 1), bool)
        np.put_along_axis(occurred, np.where(noisy, self.keys, keys)[:, :-1], True, axis=1)
        keys[:, -1] = (generator.random((n, self.keys)) * occurred[:, :-1]).argmax(axis=1)
        noisy[:, -1] = False
        rows = np.empty((n, self.length), np.min_scalar_type(-max(self.vocabulary, 100)))
        rows[:, ::2] = 1 + keys
        rows[:, 1::2] = 1 + self.keys + np.take_along_axis(map_of_row, keys, axis=1)
        if self.noise_symbols:
            noise = generator.integers(1 + self.keys + self.values, self.vocabulary, size=rows.shape, dtype=rows.dtype)
            rows = np.where(noisy.repeat(2, axis=1), noise, rows)
        return rows

    def _asked(self, rows: np.ndarray) -> Split:
        """Return the split that scores the values of keys that occur before."""
        keys = rows[:, ::2]
        repeated = (np.tril(keys[:, :, None] == keys[:, None, :], -1)).any(axis=2) & (keys <= self.keys)
        split = next_tokens(rows, first_scored=0)
        split.targets[:, 1::2] = IGNORE
        split.targets[:, ::2][~repeated] = IGNORE
        return split
