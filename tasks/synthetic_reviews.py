"""Sentiment of made-up reviews as bytes, a small relative of the text task of the Long Range Arena."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import ClassVar

import numpy as np

from ..harness import (
    Budget,
    Classes,
    Evaluation,
    ReferenceScore,
    Split,
    Splits,
    Streams,
    Task,
    TaskSpec,
    Tokens,
    register_task,
)
from .reference_scores import majority_score
from .rows import distinct_rows
from .text_baselines import text_scores

LETTERS, SHORTEST, LONGEST = b"abcdefghijklmnopqrstuvwxyz", 3, 4
SPACE = 33
"""The token of a space; token ids are byte + 1, and 0 is padding."""

OPINION, NEGATED = 0.5, 0.25
"""Shares of phrases that have an opinion, and of phrases with a negation."""


@register_task(
    "lra-text-synthetic",
    summary="Sentiment of made-up reviews as bytes: opinions, some of them negated, among neutral words.",
    suites=("lra", "quick"),
)
class SyntheticReviews(Task):
    """A row is phrases of one word, or of a negation and a word, as bytes with spaces between words.

    A word is good, bad or neutral. A negation turns the opinion of the next word around, and the class
    is 1 if there are more good opinions than bad ones; rows with equally many are not drawn. Words are
    made of random letters and are the same for all seeds. As with real reviews, counting words goes a
    long way, and the reference score "bag of words" shows how far; the rest depends on order.

    Parameters
    ----------
    words
        Number of good words, as many as bad ones; there are twice as many neutral words, and an eighth
        as many negations.
    phrases
        Phrases per row.
    train, valid, test
        Number of rows.
    """

    arguments: ClassVar = {
        "smoke": {"words": 8, "phrases": 4, "train": 256, "valid": 64, "test": 128},
        "quick": {"words": 8, "phrases": 7, "train": 20_000, "valid": 250, "test": 1_000},
        "standard": {"words": 64, "phrases": 63, "train": 40_000, "valid": 1_000, "test": 5_000},
        "full": {"words": 256, "phrases": 255, "train": 100_000, "valid": 1_000, "test": 5_000},
    }
    budgets: ClassVar = {
        "smoke": Budget(steps=20, batch=16),
        "quick": Budget(steps=600, batch=32),
        "standard": Budget(steps=5_000, batch=32),
        "full": Budget(steps=20_000, batch=32),
    }
    shown_as = "text"
    evaluations = (Evaluation("accuracy", "Share of reviews classified correctly.", chance=0.5, ceiling=1.0),)

    def __init__(self, words: int, phrases: int, train: int, valid: int, test: int):
        self.words, self.phrases = words, phrases
        self.train, self.valid, self.test = train, valid, test
        self.length = 2 * phrases * (LONGEST + 1) - 1

    @property
    def spec(self) -> TaskSpec:
        return TaskSpec(Tokens(257, self.length), Classes(2))

    def splits(self, data: Path, streams: Streams) -> Splits:
        lexicon = self._lexicon(streams.fixed)
        held_out = distinct_rows(partial(self._draw, streams.fixed, lexicon), self.valid + self.test)
        train = distinct_rows(partial(self._draw, streams.train, lexicon), self.train, held_out)
        valid, test = held_out[: self.valid], held_out[self.valid :]
        return Splits(_split(train), _split(valid), {"test": _split(test)})

    def reference_scores(self, splits: Splits) -> list[ReferenceScore]:
        train, test = splits.train, splits.tests["test"]
        return [majority_score(train.targets, test.targets), *text_scores(train, test)]

    def _lexicon(self, generator: np.random.Generator) -> np.ndarray:
        """Return words (negations, good, bad and neutral ones in this order) as tokens, with a space after each."""
        count = self.words // 8 + 4 * self.words
        letters = np.frombuffer(LETTERS, np.uint8)

        def draw(n: int) -> np.ndarray:
            words = letters[generator.integers(len(letters), size=(n, LONGEST))].astype(np.int16) + 1
            return np.where(np.arange(LONGEST) < generator.integers(SHORTEST, LONGEST + 1, size=(n, 1)), words, 0)

        return np.pad(distinct_rows(draw, count), ((0, 0), (0, 1)), constant_values=SPACE)

    def _draw(self, generator: np.random.Generator, lexicon: np.ndarray, n: int) -> np.ndarray:
        """Return about n rows (rows, 1 + length): the class, then tokens."""
        shape, first = (2 * n, self.phrases), self.words // 8
        opinion = np.where(generator.random(shape) < OPINION, 1 - 2 * generator.integers(2, size=shape), 0)
        negated = generator.random(shape) < NEGATED
        total = (opinion * np.where(negated, -1, 1)).sum(1)
        kept = np.flatnonzero(total)[:n]
        start = np.where(opinion == 0, first + 2 * self.words, np.where(opinion > 0, first, first + self.words))
        word = start + generator.integers(np.where(opinion == 0, 2 * self.words, self.words))
        negation = generator.integers(first, size=shape)
        texts = np.stack([np.where(negated[..., None], lexicon[negation], 0), lexicon[word]], axis=2)[kept]
        texts = texts.reshape(len(kept), -1)
        order = (texts == 0).argsort(axis=1, kind="stable")[:, : self.length]
        tokens = np.take_along_axis(texts, order, axis=1)
        lengths = (tokens > 0).sum(1, keepdims=True)
        tokens[(np.arange(self.length) == lengths - 1) & (tokens == SPACE)] = 0
        return np.concatenate([(total[kept, None] > 0), tokens], axis=1).astype(np.int16)


def _split(rows: np.ndarray) -> Split:
    tokens = rows[:, 1:]
    return Split({"tokens": tokens, "lengths": (tokens > 0).sum(1, dtype=np.int32)}, rows[:, 0].astype(np.int64))
