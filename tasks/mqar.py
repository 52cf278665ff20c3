"""Multi-query associative recall (Arora et al. 2024, "Zoology", arXiv:2312.04927)."""

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
from .recall_baselines import slot_and_rank_score
from .rows import distinct_parts, token_split


@register_task(
    "recall-mqar",
    summary="Key-value pairs, then each key again: name its value (multi-query associative recall).",
    suites=("recall", "quick", "demo"),
)
class MultiQueryRecall(Task):
    """A row is k1 v1 ... kn vn, then each key once more, at a position drawn from a power law.

    Keys have ids 1 to V/2 - 1 and values V/2 to V - 1, both without repeats in a row. The rest of the
    row has (length - 2n) / 2 slots of two positions; slots for the queries are drawn with weights
    i^(power - 1). Only the query positions are scored. Other positions have id 0, or a random token if
    `random_non_queries` is set. The published tiers have the longest setting of the paper's Figure 2.

    Parameters
    ----------
    vocab_size
        V, even.
    length
        Tokens per row, even and at least four times `pairs`.
    pairs
        n, the number of pairs, and of queries, per row.
    train, valid, test
        Number of rows.

    Raises
    ------
    UserError
        If the pairs do not fit the length or the vocabulary.
    """

    arguments: ClassVar = {
        "smoke": {"vocab_size": 32, "length": 16, "pairs": 2, "train": 256, "valid": 64, "test": 128},
        "quick": {"vocab_size": 16, "length": 16, "pairs": 3, "train": 20_000, "valid": 500, "test": 2_000},
        "standard": {"vocab_size": 8192, "length": 256, "pairs": 16, "train": 100_000, "valid": 1_000, "test": 3_000},
        "full": {"vocab_size": 8192, "length": 512, "pairs": 64, "train": 100_000, "valid": 1_000, "test": 3_000},
    }
    plateau: ClassVar = True
    budgets: ClassVar = {
        "smoke": Budget(steps=20, batch=16),
        "quick": Budget(steps=1_000, batch=32),
        "standard": Budget(steps=6_000, batch=256),
        "full": Budget(steps=50_000, batch=128),
    }
    evaluations = (Evaluation("position_accuracy", "Share of queries answered correctly.", ceiling=1.0, solved=0.99),)
    published_tiers = ("full",)
    shown_as = "tokens"

    def __init__(
        self,
        vocab_size: int,
        length: int,
        pairs: int,
        train: int,
        valid: int,
        test: int,
        power: float = 0.01,
        random_non_queries: bool = False,
    ):
        if length % 2 or length < 4 * pairs or vocab_size // 2 - 1 < pairs:
            raise UserError(
                f"{pairs} pairs need an even length >= {4 * pairs} and a vocabulary >= {2 * pairs + 2}; "
                f"found length {length} and vocabulary {vocab_size}."
            )
        self.vocab_size, self.length, self.pairs = vocab_size, length, pairs
        self.train, self.valid, self.test = train, valid, test
        self.power, self.random_non_queries = power, random_non_queries

    @property
    def spec(self) -> TaskSpec:
        return TaskSpec(Tokens(self.vocab_size, self.length), PerPosition(self.vocab_size), causal=True)

    def splits(self, data: Path, streams: Streams) -> Splits:
        train, valid, test = map(query_split, distinct_parts(self.draw, streams, self.train, self.valid, self.test))
        return Splits(train, valid, {"test": test})

    def reference_scores(self, splits: Splits) -> list[ReferenceScore]:
        values = self.vocab_size - self.vocab_size // 2
        return [
            ReferenceScore("", "any value", 1 / values, "chance", "A random guess among all values."),
            ReferenceScore(
                "", "value from the row", 1 / self.pairs, "baseline", "A random guess among the row's values."
            ),
            slot_and_rank_score(splits.train, splits.tests["test"], self.pairs),
        ]

    def draw(self, generator: np.random.Generator, n: int) -> np.ndarray:
        """Return (n, 2 * length): tokens followed by targets."""
        half, context = self.vocab_size // 2, 2 * self.pairs
        keys = 1 + subsets(generator, n, half - 1, self.pairs)
        values = half + subsets(generator, n, self.vocab_size - half, self.pairs)
        places = context + 2 * self._slots(generator, n)
        tokens = np.zeros((n, self.length), np.min_scalar_type(-max(self.vocab_size, 100)))
        tokens[:, :context:2], tokens[:, 1:context:2] = keys, values
        np.put_along_axis(tokens, places, keys.astype(tokens.dtype), axis=1)
        if self.random_non_queries:
            fillers = generator.integers(self.vocab_size, size=tokens.shape, dtype=tokens.dtype)
            tokens = np.where(tokens == 0, fillers, tokens)
        targets = np.full_like(tokens, IGNORE)
        np.put_along_axis(targets, places, values.astype(tokens.dtype), axis=1)
        return np.concatenate([tokens, targets], axis=1)

    def _slots(self, generator: np.random.Generator, n: int) -> np.ndarray:
        """Return (n, pairs) distinct slots in the order of a weighted draw without replacement.

        This sorts exponential waiting times with the weights as rates.
        """
        slots = (self.length - 2 * self.pairs) // 2
        rates = np.arange(1, slots + 1) ** (self.power - 1.0)
        waits = generator.exponential(size=(n, slots)) / rates
        return waits.argsort(axis=1)[:, : self.pairs]


def query_split(rows: np.ndarray) -> Split:
    """Return the split of rows (n, 2 * length) from `MultiQueryRecall.draw`."""
    return token_split(*np.split(rows, 2, axis=1))


def subsets(generator: np.random.Generator, n: int, pool: int, size: int) -> np.ndarray:
    """Return (n, size): distinct numbers below `pool` per row, in random order.

    Floyd's algorithm, on all rows at once.
    """
    chosen = np.empty((n, size), np.int64)
    for column, last in enumerate(range(pool - size, pool)):
        pick = generator.integers(last + 1, size=n)
        taken = (chosen[:, :column] == pick[:, None]).any(axis=1)
        chosen[:, column] = np.where(taken, last, pick)
    return generator.permuted(chosen, axis=1)
