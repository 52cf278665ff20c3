"""Compression of a row into one vector (Poli et al. 2024, arXiv:2403.17844)."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

import numpy as np

from ..harness import (
    Budget,
    Evaluation,
    Labels,
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
from .rows import distinct_parts


@register_task(
    "recall-compression",
    summary="Compress random tokens into the vector of the last position, which all are decoded from (MAD-Lab).",
    suites=("recall", "quick"),
)
class Compression(Task):
    """A row is random symbols and a last token that asks for them; the targets are the symbols in order.

    As published, the harness decodes all symbols from the model's output at the last token, with a
    decoder that is the same for all models. Models of tables write all answers themselves. The
    published score also counts the last token, which is always the same; here it does not count. The
    published tiers have MAD's baseline setting.

    Parameters
    ----------
    symbols
        Number of symbols; their ids start at 1, and the last token has the largest id.
    length
        Tokens per row, including the last.
    train, valid, test
        Number of rows.
    """

    arguments: ClassVar = {
        "smoke": {"symbols": 4, "length": 9, "train": 256, "valid": 64, "test": 128},
        "quick": {"symbols": 15, "length": 17, "train": 20_000, "valid": 250, "test": 1_000},
        "standard": {"symbols": 15, "length": 32, "train": 12_800, "valid": 1_280, "test": 1_280},
    }
    arguments["full"] = arguments["standard"]
    budgets: ClassVar = {
        "smoke": Budget(steps=20, batch=16),
        "quick": Budget(steps=1_200, batch=32),
        "standard": Budget(steps=5_000, batch=128),
        "full": Budget(steps=20_000, batch=128),
    }
    evaluations = (Evaluation("label_accuracy", "Share of symbols decoded correctly.", ceiling=1.0),)
    published_tiers = ("standard", "full")
    plateau = True
    shown_as = "tokens"

    def __init__(self, symbols: int, length: int, train: int, valid: int, test: int):
        self.symbols, self.length = symbols, length
        self.train, self.valid, self.test = train, valid, test

    @property
    def spec(self) -> TaskSpec:
        return TaskSpec(Tokens(self.symbols + 2, self.length), Labels(self.length - 1, self.symbols), causal=True)

    def splits(self, data: Path, streams: Streams) -> Splits:
        train, valid, test = distinct_parts(self._draw, streams, self.train, self.valid, self.test)
        return Splits(self._split(train), self._split(valid), {"test": self._split(test)})

    def reference_scores(self, splits: Splits) -> list[ReferenceScore]:
        train, test = splits.train.targets, splits.tests["test"].targets
        chance = ReferenceScore("", "any symbol", 1 / self.symbols, "chance", "A random guess among all symbols.")
        return [chance, majority_score(train, test)]

    def _draw(self, generator: np.random.Generator, n: int) -> np.ndarray:
        """Return symbols (n, length - 1), numbered from 0."""
        return generator.integers(self.symbols, size=(n, self.length - 1), dtype=np.int8)

    def _split(self, symbols: np.ndarray) -> Split:
        tokens = np.pad(symbols + 1, ((0, 0), (0, 1)), constant_values=self.symbols + 1)
        lengths = np.full(len(tokens), self.length, np.int32)
        return Split({"tokens": tokens, "lengths": lengths}, symbols.astype(np.int64))
