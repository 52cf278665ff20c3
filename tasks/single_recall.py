"""Single-query associative recall (Fu et al. 2023, "H3", arXiv:2212.14052)."""

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
from .recall_baselines import single_recall_scores
from .rows import distinct_parts, joined, next_tokens


@register_task(
    "recall-single",
    summary="Key-value pairs from a random map per row, then one key: name its value.",
    suites=("recall", "quick", "demo"),
)
class SingleQueryRecall(Task):
    """A row is key-value pairs, with repeated keys, then the symbol ``=>`` and a key from the row.

    Of V symbols, two are special: the unused no-op (id 0, used for padding) and ``=>`` (id V - 1). The
    first half of the others are keys, the second half values. As in the published code, training
    scores every position (the target is the next token), while validation and test score only the
    last one. The published tiers have its default setting: V = 20, 40 tokens of pairs.

    Parameters
    ----------
    vocab_size
        V, even, at least 4.
    context
        Number of tokens in pairs, even; a row has two more.
    train, valid, test
        Number of rows.
    """

    arguments: ClassVar = {
        "smoke": {"vocab_size": 10, "context": 10, "train": 256, "valid": 64, "test": 128},
        "quick": {"vocab_size": 10, "context": 20, "train": 20_000, "valid": 500, "test": 2_000},
        "standard": {"vocab_size": 30, "context": 254, "train": 20_000, "valid": 500, "test": 2_000},
        "full": {"vocab_size": 20, "context": 40, "train": 5_000, "valid": 500, "test": 500},
    }
    plateau: ClassVar = True
    budgets: ClassVar = {
        "smoke": Budget(steps=20, batch=16),
        "quick": Budget(steps=1_000, batch=32),
        "standard": Budget(steps=6_000, batch=64),
        "full": Budget(steps=62_500, batch=32),
    }
    shown_as = "tokens"
    evaluations = (Evaluation("position_accuracy", "Share of rows answered correctly.", ceiling=1.0, solved=0.99),)

    def __init__(self, vocab_size: int, context: int, train: int, valid: int, test: int):
        self.vocab_size, self.context = vocab_size, context
        self.train, self.valid, self.test = train, valid, test

    @property
    def spec(self) -> TaskSpec:
        return TaskSpec(Tokens(self.vocab_size, self.context + 2), PerPosition(self.vocab_size), causal=True)

    def splits(self, data: Path, streams: Streams) -> Splits:
        train, valid, test = distinct_parts(self._draw, streams, self.train, self.valid, self.test)
        return Splits(next_tokens(train, first_scored=0), next_tokens(valid), {"test": next_tokens(test)})

    def reference_scores(self, splits: Splits) -> list[ReferenceScore]:
        chance = 2 / (self.vocab_size - 2)
        return [
            ReferenceScore("", "any value", chance, "chance", "A random guess among all values."),
            *single_recall_scores("", splits.tests["test"], self.context, splits.train),
        ]

    def _draw(self, generator: np.random.Generator, n: int) -> np.ndarray:
        return draw_rows(generator, n, self.context, kinds=(self.vocab_size - 2) // 2, vocab_size=self.vocab_size)


def draw_rows(generator: np.random.Generator, n: int, context: int, *, kinds: int, vocab_size: int) -> np.ndarray:
    """Return (n, context + 3) tokens, with the answer last, that use `kinds` keys and values of the vocabulary."""
    pairs, each, first_value = context // 2, np.arange(n), vocab_size // 2
    values = generator.integers(kinds, size=(n, kinds))
    keys = generator.integers(kinds, size=(n, pairs))
    occurred = np.zeros((n, kinds), bool)
    occurred[each[:, None], keys] = True
    query = (generator.random((n, kinds)) * occurred).argmax(axis=1)
    rows = np.empty((n, context + 3), np.min_scalar_type(-max(vocab_size, 100)))
    rows[:, :context:2] = 1 + keys
    rows[:, 1:context:2] = first_value + np.take_along_axis(values, keys, axis=1)
    rows[:, -3], rows[:, -2], rows[:, -1] = vocab_size - 1, 1 + query, first_value + values[each, query]
    return rows


@register_task(
    "recall-single-grid",
    summary="Single-query recall trained on a grid of vocabularies and lengths, with one column per combination.",
    suites=("recall",),
)
class SingleQueryRecallGrid(Task):
    """Rows as in `recall-single`, equally many of every combination of vocabulary and length.

    The vocabularies share their ids: a smaller one uses the first keys and the first values of the
    largest. Its chance is still 2 / (V - 2), since a model can learn which values occur with which
    keys. Each combination is a column, named vVOCABULARY-lLENGTH.

    Parameters
    ----------
    vocabularies
        V of each vocabulary, even.
    contexts
        Numbers of tokens in pairs, even.
    train, valid, test
        Number of rows per combination.
    """

    arguments: ClassVar = {
        "smoke": {"vocabularies": [10, 20], "contexts": [8, 16], "train": 64, "valid": 16, "test": 64},
        "quick": {"vocabularies": [10, 20], "contexts": [16, 32], "train": 5_000, "valid": 100, "test": 500},
        "standard": {
            "vocabularies": [10, 20, 30, 40], "contexts": [64, 256],
            "train": 5_000, "valid": 100, "test": 500,
        },
        "full": {
            "vocabularies": [10, 20, 30, 40], "contexts": [64, 256, 1024, 4096],
            "train": 5_000, "valid": 100, "test": 500,
        },
    }  # fmt: skip
    plateau: ClassVar = True
    budgets: ClassVar = {
        "smoke": Budget(steps=20, batch=16),
        "quick": Budget(steps=400, batch=32),
        "standard": Budget(steps=10_000, batch=64),
        "full": Budget(steps=60_000, batch=32),
    }
    evaluations: tuple[Evaluation, ...] = (Evaluation("position_accuracy", "Share of rows answered correctly."),)
    published_tiers = ()
    shown_as = "tokens"

    def __init__(self, vocabularies: list[int], contexts: list[int], train: int, valid: int, test: int):
        self.largest, self.longest = max(vocabularies), max(contexts)
        self.grid = {f"v{size}-l{context}": (size, context) for size in vocabularies for context in contexts}
        self.train, self.valid, self.test = train, valid, test
        self.evaluations = tuple(
            Evaluation(
                "position_accuracy",
                f"Share of rows answered correctly: {size} symbols, {context} tokens of pairs.",
                name=name,
                test=name,
                ceiling=1.0,
            )
            for name, (size, context) in self.grid.items()
        )

    @property
    def spec(self) -> TaskSpec:
        return TaskSpec(Tokens(self.largest, self.longest + 2), PerPosition(self.largest), causal=True)

    def splits(self, data: Path, streams: Streams) -> Splits:
        train, valid, tests = [], [], {}
        for name, (size, context) in self.grid.items():
            draw = partial(draw_rows, context=context, kinds=(size - 2) // 2, vocab_size=self.largest)
            rows = distinct_parts(draw, streams, self.train, self.valid, self.test)
            train.append(next_tokens(rows[0], first_scored=0))
            valid.append(next_tokens(rows[1]))
            tests[name] = next_tokens(rows[2])
        return Splits(joined(train), joined(valid), tests)

    def reference_scores(self, splits: Splits) -> list[ReferenceScore]:
        return [
            score
            for name, (size, context) in self.grid.items()
            for score in (
                ReferenceScore(name, "any value", 2 / (size - 2), "chance", "A random guess among all values."),
                *single_recall_scores(name, splits.tests[name], context),
            )
        ]
