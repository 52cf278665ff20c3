"""Multi-query recall trained on a mix of lengths (Arora et al. 2024, "Based", arXiv:2402.18668)."""

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
from .mqar import MultiQueryRecall, query_split
from .rows import distinct_rows, joined

Setting = tuple[int, int]
"""Length and number of pairs of a row."""


@register_task(
    "recall-mqar-mixed",
    summary="Multi-query recall among random tokens, also tested on rows longer than the training rows.",
    suites=("recall",),
)
class MixedMultiQueryRecall(Task):
    """Rows as in `recall-mqar`, with several lengths and numbers of pairs, and random tokens between queries.

    Each test setting is a column, named LENGTHxPAIRS. Training rows are padded to the longest
    training length. The validation rows have equally many rows of each training setting.

    Parameters
    ----------
    vocab_size
        As in `recall-mqar`.
    trained
        (length, pairs, rows) per training setting.
    tested
        (length, pairs) per test setting.
    valid, test
        Number of rows per setting.
    """

    arguments: ClassVar = {
        "smoke": {
            "trained": [[16, 2, 128], [32, 4, 128]],
            "tested": [[16, 2], [32, 4], [64, 8]],
            "vocab_size": 64, "valid": 32, "test": 64,
        },
        "quick": {
            "trained": [[16, 2, 10_000], [32, 4, 10_000]],
            "tested": [[16, 2], [32, 4], [64, 8]],
            "vocab_size": 64, "valid": 125, "test": 500,
        },
        "standard": {
            "trained": [[64, 4, 100_000], [128, 8, 20_000], [256, 16, 20_000], [256, 32, 20_000], [256, 64, 20_000]],
            "tested": [[64, 4], [64, 8], [64, 16], [128, 32], [256, 64], [512, 128], [1024, 256]],
            "vocab_size": 8192, "valid": 200, "test": 1_000,
        },
    }  # fmt: skip
    arguments["full"] = arguments["standard"]
    plateau: ClassVar = True
    budgets: ClassVar = {
        "smoke": Budget(steps=20, batch=16),
        "quick": Budget(steps=400, batch=32),
        "standard": Budget(steps=5_000, batch=256),
        "full": Budget(steps=22_500, batch=256),
    }
    evaluations: tuple[Evaluation, ...] = (Evaluation("position_accuracy", "Share of queries answered correctly."),)
    published_tiers = ("standard", "full")
    shown_as = "tokens"

    def __init__(self, vocab_size: int, trained: list, tested: list, valid: int, test: int):
        self.vocab_size, self.valid, self.test = vocab_size, valid, test
        self.trained = {(length, pairs): rows for length, pairs, rows in trained}
        self.tested: list[Setting] = [(length, pairs) for length, pairs in tested]
        self.evaluations = tuple(
            Evaluation(
                "position_accuracy",
                f"Share of queries answered correctly in rows of {length} tokens with {pairs} pairs.",
                name=_name(length, pairs),
                test=_name(length, pairs),
                ceiling=1.0,
            )
            for length, pairs in self.tested
        )

    @property
    def spec(self) -> TaskSpec:
        longest = max(length for length, _ in self.tested)
        return TaskSpec(Tokens(self.vocab_size, longest), PerPosition(self.vocab_size), causal=True)

    def splits(self, data: Path, streams: Streams) -> Splits:
        settings = dict.fromkeys([*self.trained, *self.tested])
        held_out = {setting: self._rows(streams.fixed, setting, self.valid + self.test) for setting in settings}
        train = [self._rows(streams.train, setting, rows, held_out[setting]) for setting, rows in self.trained.items()]
        valid = [held_out[setting][: self.valid] for setting in self.trained]
        tests = {_name(*setting): query_split(held_out[setting][self.valid :]) for setting in self.tested}
        return Splits(joined([*map(query_split, train)]), joined([*map(query_split, valid)]), tests)

    def reference_scores(self, splits: Splits) -> list[ReferenceScore]:
        values = self.vocab_size - self.vocab_size // 2
        any_value = [
            ReferenceScore(evaluation.name, "any value", 1 / values, "chance", "A random guess among all values.")
            for evaluation in self.evaluations
        ]
        return any_value + [
            ReferenceScore(
                _name(length, pairs), "value from the row", 1 / pairs, summary="A random guess among the row's values."
            )
            for length, pairs in self.tested
        ]

    def _rows(
        self, generator: np.random.Generator, setting: Setting, n: int, exclude: np.ndarray | None = None
    ) -> np.ndarray:
        length, pairs = setting
        part = MultiQueryRecall(self.vocab_size, length, pairs, 0, 0, 0, random_non_queries=True)
        return distinct_rows(partial(part.draw, generator), n, exclude)


def _name(length: int, pairs: int) -> str:
    return f"{length}x{pairs}"
