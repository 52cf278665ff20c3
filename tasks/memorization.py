"""Memorization of a fixed map (Poli et al. 2024, arXiv:2403.17844)."""

from __future__ import annotations

from functools import partial
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
    register_task,
)
from .reference_scores import window_score
from .rows import distinct_rows, token_split


@register_task(
    "recall-memorization",
    summary="Name the value of each key, from a map that is the same in all rows and never shown (MAD-Lab).",
    suites=("recall", "quick"),
)
class Memorization(Task):
    """A row is random keys, each followed by the same blank token; the target at a blank is the key's value.

    Keys have ids 1 to `keys`, and the blank has the next id. Different keys have different values. The
    map is the same for training and test rows and for all seeds, so a model has to store it in its
    weights. The published tiers have MAD's settings of 256 and, in `full`, of 8,192 symbols: half of the
    symbols but the blank are keys.

    Parameters
    ----------
    keys
        Number of keys; there is one value more.
    length
        Tokens per row, even.
    train, valid, test
        Number of rows.
    """

    arguments: ClassVar = {
        "smoke": {"keys": 15, "length": 16, "train": 64, "valid": 32, "test": 64},
        "quick": {"keys": 511, "length": 32, "train": 2_000, "valid": 100, "test": 500},
        "standard": {"keys": 127, "length": 32, "train": 256, "valid": 1_280, "test": 1_280},
        "full": {"keys": 4_095, "length": 32, "train": 8_192, "valid": 1_280, "test": 1_280},
    }
    budgets: ClassVar = {
        "smoke": Budget(steps=20, batch=16),
        "quick": Budget(steps=600, batch=32),
        "standard": Budget(steps=1_000, batch=128),
        "full": Budget(steps=20_000, batch=128),
    }
    evaluations = (Evaluation("position_accuracy", "Share of keys whose value is correct."),)
    published_tiers = ("standard",)
    shown_as = "tokens"

    def __init__(self, keys: int, length: int, train: int, valid: int, test: int):
        self.keys, self.length = keys, length
        self.train, self.valid, self.test = train, valid, test

    @property
    def spec(self) -> TaskSpec:
        return TaskSpec(Tokens(self.keys + 2, self.length), PerPosition(self.keys + 1), causal=True)

    def splits(self, data: Path, streams: Streams) -> Splits:
        values = streams.fixed.permutation(self.keys + 1)
        held_out = distinct_rows(partial(self._draw, streams.fixed), self.valid + self.test)
        train = distinct_rows(partial(self._draw, streams.train), self.train, held_out)
        valid, test = held_out[: self.valid], held_out[self.valid :]
        return Splits(self._split(train, values), self._split(valid, values), {"test": self._split(test, values)})

    def reference_scores(self, splits: Splits) -> list[ReferenceScore]:
        chance = 1 / (self.keys + 1)
        known = window_score(splits.train, splits.tests["test"], width=2).value
        return [
            ReferenceScore("", "any value", chance, "chance", "A random guess among all values."),
            ReferenceScore("", "training pairs", known, "ceiling", "A lookup of the pairs in the training rows."),
        ]

    def _draw(self, generator: np.random.Generator, n: int) -> np.ndarray:
        """Return keys (n, length / 2)."""
        dtype = np.min_scalar_type(-max(self.keys + 1, 100))
        return generator.integers(1, self.keys + 1, size=(n, self.length // 2), dtype=dtype)

    def _split(self, keys: np.ndarray, values: np.ndarray) -> Split:
        rows = np.full((len(keys), self.length), self.keys + 1, keys.dtype)
        rows[:, ::2] = keys
        targets = np.full_like(rows, IGNORE)
        targets[:, 1::2] = values[keys - 1]
        return token_split(rows, targets)
