"""Induction heads with tests on longer rows (Gu and Dao 2023, "Mamba", arXiv:2312.00752, section 4.1.2)."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import ClassVar

import numpy as np

from ..harness.contract.evaluation import Evaluation, ReferenceScore
from ..harness.contract.registry import register_task
from ..harness.contract.spec import PerPosition, TaskSpec, Tokens
from ..harness.contract.task import Budget, Split, Splits, Streams, Task
from .rows import distinct_rows


@register_task(
    "recall-induction",
    summary="Name the token that followed the trigger earlier in the row, also in rows longer than any trained on.",
    suites=("recall", "quick"),
)
class InductionHeads(Task):
    """A row is random tokens with one trigger among them, and the trigger again at its end.

    The answer, scored at the last position alone, is the token after the first trigger. Ordinary
    tokens are ids 1 to n - 1 and the trigger is n, of n symbols; id 0 pads. The model is built for
    the longest test while training rows are stored at their own, shorter length. The paper trains
    on 256 tokens with fresh rows at every step and tests from 64 tokens up to 2^20, so
    no tier has its size.

    Parameters
    ----------
    symbols
        n, the trigger included.
    length
        Tokens of a training row.
    times
        How many times longer, or shorter, than the training rows those of further test sets are.
    train, valid, test
        Rows; each test set has `test`.
    """

    arguments: ClassVar = {
        "smoke": {"symbols": 8, "length": 16, "times": [2, 4], "train": 256, "valid": 64, "test": 128},
        "quick": {"symbols": 16, "length": 32, "times": [2, 4], "train": 20_000, "valid": 250, "test": 1_000},
        "standard": {
            "symbols": 16,
            "length": 256,
            "times": [0.25, 0.5, 2, 4, 8, 16],
            "train": 200_000,
            "valid": 1_000,
            "test": 1_000,
        },
        "full": {
            "symbols": 16,
            "length": 256,
            "times": [0.25, 0.5, 2, 4, 8, 16, 64],
            "train": 1_600_000,
            "valid": 1_000,
            "test": 1_000,
        },
    }
    budgets: ClassVar = {
        "smoke": Budget(steps=20, batch=16),
        "quick": Budget(steps=280, batch=32),
        "standard": Budget(steps=12_000, batch=32),
        "full": Budget(steps=204_800, batch=8),
    }
    evaluations: tuple[Evaluation, ...] = (
        Evaluation("position_accuracy", "Share of rows answered, at the length trained on.", ceiling=1.0),
    )
    published_tiers = ()

    def __init__(self, symbols: int, length: int, times: list[float], train: int, valid: int, test: int):
        self.symbols, self.length = symbols, length
        self.further = {f"{factor:g}x": round(factor * length) for factor in times}
        self.evaluations += tuple(
            Evaluation("position_accuracy", f"Rows of {other} tokens.", name=name, test=name, ceiling=1.0)
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
        valid = held_out[: self.valid]
        return Splits(_split(train), _split(valid), {name: _split(rows) for name, rows in tests.items()})

    def reference_scores(self, splits: Splits) -> list[ReferenceScore]:
        guess = 1 / (self.symbols - 1)
        return [
            ReferenceScore(evaluation.name, "any token", guess, "chance", "A blind guess among the ordinary tokens.")
            for evaluation in self.evaluations
        ]

    def _rows(
        self, generator: np.random.Generator, length: int, n: int, exclude: np.ndarray | None = None
    ) -> np.ndarray:
        return distinct_rows(partial(self._draw, generator, length), n, exclude)

    def _draw(self, generator: np.random.Generator, length: int, n: int) -> np.ndarray:
        """Return (n, length + 1) tokens, the answer last."""
        rows = generator.integers(1, self.symbols, size=(n, length + 1), dtype=self.dtype)
        place = generator.integers(length - 2, size=(n, 1))
        np.put_along_axis(rows, place, self.symbols, axis=1)
        rows[:, -2] = self.symbols
        rows[:, -1:] = np.take_along_axis(rows, place + 1, axis=1)
        return rows


def _split(rows: np.ndarray) -> Split:
    tokens = rows[:, :-1]
    targets = np.full_like(tokens, -100)
    targets[:, -1] = rows[:, -1]
    return Split({"tokens": tokens, "lengths": np.full(len(rows), tokens.shape[1], np.int32)}, targets)
