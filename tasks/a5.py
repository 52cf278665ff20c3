"""The word problem of the group A5 (Cirone et al. 2024, arXiv:2402.19047; Merrill et al. 2024, arXiv:2404.08819)."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
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
from .groups import alternating, running_products
from .reference_scores import majority_score
from .rows import distinct_parts

ORDER = 60


@register_task(
    "recall-a5",
    summary="Running product of permutations of five elements, a state tracking problem that is hard to parallelize.",
    suites=("recall", "state", "quick"),
)
class A5WordProblem(Task):
    """A row is `length` elements of A5; the target at each position is the product so far.

    Element g is token g + 1 and class g; id 0 is padding. With element x, the target changes from a to
    ``alternating(5)[a, x]`` (see `archarena.tasks.groups`). As published, the training rows also include
    all products of two elements (`pairs` short rows, marked as separate), and all positions are scored.
    Early positions are easy, so a second column scores only the last one.

    Parameters
    ----------
    length
        k, the number of elements per row, at least 3.
    train, valid, test
        Number of rows, all distinct.
    pairs
        Number of additional training rows of two elements.

    Raises
    ------
    UserError
        If `length` is less than 3, since the pairs would then include test rows.
    """

    arguments: ClassVar = {
        "smoke": {"length": 3, "train": 256, "valid": 64, "test": 128, "pairs": 256},
        "quick": {"length": 4, "train": 50_000, "valid": 500, "test": 2_000, "pairs": 50_000},
        "standard": {"length": 12, "train": 400_000, "valid": 1_000, "test": 5_000, "pairs": 400_000},
        "full": {"length": 20, "train": 800_000, "valid": 1_000, "test": 10_000, "pairs": 800_000},
    }
    plateau: ClassVar = True
    budgets: ClassVar = {
        "smoke": Budget(steps=20, batch=16),
        "quick": Budget(steps=1_500, batch=64),
        "standard": Budget(steps=20_000, batch=128),
        "full": Budget(steps=1_000_000, batch=64),
    }
    evaluations = (
        Evaluation("position_accuracy", "Share of all positions correct.", chance=1 / ORDER, ceiling=1.0, solved=0.99),
        Evaluation(
            "position_accuracy", "Share of last positions correct.", "last", "last", chance=1 / ORDER, ceiling=1.0
        ),
    )
    published_tiers = ("full",)
    shown_as = "tokens"

    def __init__(self, length: int, train: int, valid: int, test: int, pairs: int):
        if length < 3:
            raise UserError(f"Rows of A5 need at least 3 elements, since training sees all pairs; found {length}.")
        self.length, self.pairs = length, pairs
        self.train, self.valid, self.test = train, valid, test

    @property
    def spec(self) -> TaskSpec:
        return TaskSpec(Tokens(ORDER + 1, self.length), PerPosition(ORDER), causal=True)

    def splits(self, data: Path, streams: Streams) -> Splits:
        words, valid, tested = distinct_parts(self._draw, streams, self.train, self.valid, self.test)
        train, test = np.concatenate([words, self._padded_pairs(streams.train)]), _split(tested)
        last = np.where(np.arange(self.length) == self.length - 1, test.targets, np.int8(IGNORE))
        separate = {"separate": np.arange(len(train)) >= len(words)}
        return Splits(_split(train, separate), _split(valid), {"test": test, "last": Split(test.inputs, last)})

    def reference_scores(self, splits: Splits) -> list[ReferenceScore]:
        train = splits.train.targets
        return [
            majority_score(train, splits.tests[evaluation.test].targets, evaluation.name)
            for evaluation in self.evaluations
        ]

    def _draw(self, generator: np.random.Generator, n: int) -> np.ndarray:
        return generator.integers(1, ORDER + 1, size=(n, self.length), dtype=np.int8)

    def _padded_pairs(self, generator: np.random.Generator) -> np.ndarray:
        rows = np.zeros((self.pairs, self.length), np.int8)
        rows[:, :2] = 1 + np.stack(np.divmod(generator.integers(ORDER**2, size=self.pairs), ORDER), axis=1)
        return rows


def _split(tokens: np.ndarray, groups: Mapping[str, np.ndarray] = MappingProxyType({})) -> Split:
    elements = np.where(tokens > 0, tokens - 1, 0)
    products = running_products(elements, alternating(5))
    targets = np.where(tokens > 0, products, IGNORE).astype(tokens.dtype)
    return Split({"tokens": tokens, "lengths": (tokens > 0).sum(axis=1, dtype=np.int32)}, targets, groups)
