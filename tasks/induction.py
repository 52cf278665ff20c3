"""Induction heads, also tested on longer rows (Gu and Dao 2023, "Mamba", arXiv:2312.00752, section 4.1.2)."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import ClassVar

import numpy as np

from ..harness import (
    Budget,
    Evaluation,
    PerPosition,
    ReferenceScore,
    Splits,
    Streams,
    Task,
    TaskSpec,
    Tokens,
    register_task,
)
from .rows import distinct_rows, next_tokens


@register_task(
    "recall-induction",
    summary="Name the token that followed the trigger earlier in the row; also tested on longer rows.",
    suites=("recall", "quick", "demo"),
)
class InductionHeads(Task):
    """A row is random tokens that contain the trigger once, and the trigger again at the end.

    The answer is the token after the first trigger; only the last position is scored. Of n symbols,
    ordinary tokens have ids 1 to n - 1 and the trigger has id n; id 0 is padding. The model is built
    for the longest test rows, while training rows are stored at their shorter length. The paper trains
    on new rows of 256 tokens at every step and tests on 64 to 2^20 tokens, so no tier reproduces its
    setting.

    Parameters
    ----------
    symbols
        n, including the trigger.
    length
        Tokens per training row.
    times
        Lengths of the additional test sets, as multiples of the training length.
    train, valid, test
        Number of rows; `test` is per test set.
    """

    arguments: ClassVar = {
        "smoke": {"symbols": 8, "length": 16, "times": [2, 4], "train": 256, "valid": 64, "test": 128},
        "quick": {"symbols": 16, "length": 16, "times": [2, 4], "train": 20_000, "valid": 250, "test": 1_000},
        "standard": {
            "symbols": 16, "length": 256, "times": [0.25, 0.5, 2, 4, 8, 16],
            "train": 200_000, "valid": 1_000, "test": 1_000,
        },
        "full": {
            "symbols": 16, "length": 256, "times": [0.25, 0.5, 2, 4, 8, 16, 64],
            "train": 1_600_000, "valid": 1_000, "test": 1_000,
        },
    }  # fmt: skip
    plateau: ClassVar = True
    budgets: ClassVar = {
        "smoke": Budget(steps=20, batch=16),
        "quick": Budget(steps=1_000, batch=32),
        "standard": Budget(steps=12_000, batch=32),
        "full": Budget(steps=204_800, batch=8),
    }
    evaluations: tuple[Evaluation, ...] = (
        Evaluation(
            "position_accuracy", "Share of rows answered correctly at the training length.", ceiling=1.0, solved=0.99
        ),
    )
    published_tiers = ()
    shown_as = "tokens"

    def __init__(self, symbols: int, length: int, times: list[float], train: int, valid: int, test: int):
        self.symbols, self.length = symbols, length
        self.further = {f"{factor:g}x": round(factor * length) for factor in times}
        self.evaluations += tuple(
            Evaluation("position_accuracy", f"The same for {other} tokens.", name=name, test=name, ceiling=1.0)
            for name, other in self.further.items()
        )
        self.train, self.valid, self.test = train, valid, test
        self.dtype = np.min_scalar_type(-max(symbols + 1, 100))

    @property
    def spec(self) -> TaskSpec:
        longest = max(self.length, *self.further.values())
        return TaskSpec(Tokens(self.symbols + 1, longest), PerPosition(self.symbols + 1), causal=True)

    def splits(self, data: Path, streams: Streams) -> Splits:
        held_out = self._rows(streams.fixed, self.length, self.valid + self.test)
        tests = {"test": held_out[self.valid :]}
        tests |= {name: self._rows(streams.fixed, length, self.test) for name, length in self.further.items()}
        train = self._rows(streams.train, self.length, self.train, held_out)
        tests = {name: next_tokens(rows) for name, rows in tests.items()}
        return Splits(next_tokens(train), next_tokens(held_out[: self.valid]), tests)

    def reference_scores(self, splits: Splits) -> list[ReferenceScore]:
        guess = 1 / (self.symbols - 1)
        return [
            ReferenceScore(evaluation.name, "any token", guess, "chance", "A random guess among the ordinary tokens.")
            for evaluation in self.evaluations
        ]

    def _rows(
        self, generator: np.random.Generator, length: int, n: int, exclude: np.ndarray | None = None
    ) -> np.ndarray:
        return distinct_rows(partial(self._draw, generator, length), n, exclude)

    def _draw(self, generator: np.random.Generator, length: int, n: int) -> np.ndarray:
        """Return (n, length + 1) tokens, with the answer last."""
        rows = generator.integers(1, self.symbols, size=(n, length + 1), dtype=self.dtype)
        place = generator.integers(length - 2, size=(n, 1))
        np.put_along_axis(rows, place, self.symbols, axis=1)
        rows[:, -2] = self.symbols
        rows[:, -1:] = np.take_along_axis(rows, place + 1, axis=1)
        return rows
