"""Addition modulo a prime (Power et al. 2022, "Grokking", arXiv:2201.02177)."""

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
from .rows import token_split


@register_task(
    "math-modular-addition",
    summary="Add two numbers modulo a prime. Test scores often rise long after training scores (Power et al. 2022).",
    suites=("math", "quick"),
)
class ModularAddition(Task):
    """A row is ``a + b =``; the target at the last token is (a + b) modulo p.

    Number n is token n + 1 and class n. The rows are all p^2 pairs; validation and test pairs are the
    same for all seeds, and training pairs are drawn from the rest. As published, (a, b) and (b, a) are
    different pairs, so a test pair's mirror image may be in the training rows; the reference score
    "mirrored pair" looks it up. The published tier has p = 97 and half of all pairs for training.

    Parameters
    ----------
    prime
        p; any number from 2 works.
    share
        Share of all pairs that are training rows.
    valid, test
        Number of rows.

    Raises
    ------
    UserError
        If there are not enough pairs.
    """

    arguments: ClassVar = {
        "smoke": {"prime": 23, "share": 0.5, "valid": 64, "test": 128},
        "quick": {"prime": 59, "share": 0.7, "valid": 250, "test": 750},
        "standard": {"prime": 97, "share": 0.5, "valid": 1_000, "test": 3_000},
        "full": {"prime": 97, "share": 0.5, "valid": 1_000, "test": 3_000},
    }
    budgets: ClassVar = {
        "smoke": Budget(steps=20, batch=16),
        "quick": Budget(steps=3_000, batch=64),
        "standard": Budget(steps=20_000, batch=512),
        "full": Budget(steps=100_000, batch=512),
    }
    evaluations: tuple[Evaluation, ...] = (Evaluation("position_accuracy", "Share of sums correct."),)
    published_tiers = ("standard", "full")
    shown_as = "problem"
    plateau = True

    def __init__(self, prime: int, share: float, valid: int, test: int):
        self.prime, self.valid, self.test = prime, valid, test
        self.train = round(share * prime**2)
        self.token_names = ("", *map(str, range(prime)), "+", "=")
        if self.train + valid + test > prime**2:
            raise UserError(
                f"There are {prime**2} pairs modulo {prime}, fewer than {self.train} + {valid} + {test} rows."
            )
        self.evaluations = (
            Evaluation("position_accuracy", "Share of sums correct.", chance=1 / prime, ceiling=1.0, solved=0.99),
        )

    @property
    def spec(self) -> TaskSpec:
        return TaskSpec(Tokens(self.prime + 3, 4), PerPosition(self.prime), causal=True)

    def splits(self, data: Path, streams: Streams) -> Splits:
        pairs = streams.fixed.permutation(self.prime**2)
        valid, test, rest = np.split(pairs, [self.valid, self.valid + self.test])
        train = streams.train.permutation(rest)[: self.train]
        return Splits(self._split(train), self._split(valid), {"test": self._split(test)})

    def reference_scores(self, splits: Splits) -> list[ReferenceScore]:
        """Return the score of looking up the mirrored pair, or else answering at random."""
        train, test = (split.inputs["tokens"].astype(np.int64) for split in (splits.train, splits.tests["test"]))
        size = self.prime + 1
        known = np.isin(test[:, 2] * size + test[:, 0], train[:, 0] * size + train[:, 2])
        value = float(np.mean(known + ~known / self.prime))
        summary = "The sum of b + a if it is a training row, or else a guess."
        return [ReferenceScore("", "mirrored pair", value, summary=summary)]

    def _split(self, pairs: np.ndarray) -> Split:
        first, second = np.divmod(pairs, self.prime)
        rows = np.empty((len(pairs), 4), np.int16)
        rows[:, 0], rows[:, 1], rows[:, 2], rows[:, 3] = 1 + first, self.prime + 1, 1 + second, self.prime + 2
        targets = np.full_like(rows, IGNORE)
        targets[:, -1] = (first + second) % self.prime
        return token_split(rows, targets)
