"""Sentiment of movie reviews as bytes: the text task of the Long Range Arena."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

import numpy as np

from ..harness import (
    Budget,
    Classes,
    DataSet,
    Evaluation,
    Hub,
    ReferenceScore,
    Split,
    Splits,
    Streams,
    Task,
    TaskSpec,
    Tokens,
    register_task,
)
from ..harness.data.data_set import hold_out
from .byte_rows import byte_rows
from .reference_scores import majority_score
from .text_baselines import text_scores

IMDB = DataSet(
    name="imdb",
    summary="Large Movie Review Dataset v1.0, Maas et al. 2011",
    license="none stated; its authors ask for the citation",
    columns={"text": str, "label": int},
    checksums={
        "train": "f556ed013789667549dc44bcf9a92886f0314240404c42b17bacb11f05587a5a",
        "test": "4fc011d0bbf2a07c3d54523680aaf41e81ebf67bd68072317cddcfc89dc50d19",
    },
    hub=Hub("stanfordnlp/imdb"),
)

HELD_OUT = 2_500
"""Training reviews that no tier trains on; validation rows come from them."""


@register_task(
    "lra-text",
    summary="Sentiment of movie reviews as bytes (IMDb). Validation uses 2,500 held-out training reviews, not the test "
    "reviews as in published results.",
    suites=("lra", "quick", "demo"),
    needs=("imdb",),
)
class IMDbBytes(Task):
    """Long Range Arena's text task (Tay et al., arXiv:2011.04006, section 2.2.2).

    A row is the first `length` bytes of a review; token ids are byte + 1. Published results also
    validate on the 25,000 test reviews. Here 2,500 training reviews, half per class and the same for
    every tier and seed, are held out for validation, which leaves 22,500 for training.

    Parameters
    ----------
    length
        Maximum number of bytes per review.
    train, valid, test
        Number of rows. The training rows depend on the seed.
    """

    arguments: ClassVar = {
        "smoke": {"length": 128, "train": 64, "valid": 32, "test": 64},
        "quick": {"length": 256, "train": 8_000, "valid": 200, "test": 1_000},
        "standard": {"length": 2_048, "train": 22_500, "valid": 2_500, "test": 25_000},
        "full": {"length": 4_096, "train": 22_500, "valid": 2_500, "test": 25_000},
    }
    budgets: ClassVar = {
        "smoke": Budget(steps=4, batch=8),
        "quick": Budget(steps=30, batch=16),
        "standard": Budget(steps=3_000, batch=32),
        "full": Budget(steps=20_000, batch=32),
    }
    evaluations = (Evaluation("accuracy", "Share of test reviews classified correctly.", chance=0.5),)
    data_sources = (IMDB,)
    dataset = IMDB
    published_tiers = ("full",)

    def __init__(self, length: int, train: int, valid: int, test: int):
        self.length = length
        self.rows = {"train": train, "valid": valid, "test": test}

    @property
    def spec(self) -> TaskSpec:
        return TaskSpec(Tokens(vocab_size=257, length=self.length), Classes(2))

    def splits(self, data: Path, streams: Streams) -> Splits:
        learn, test = self.dataset.read(data, "train"), self.dataset.read(data, "test")
        train, valid = hold_out(learn["label"].to_numpy(), HELD_OUT, "lra-text")
        train = streams.train.permutation(train)[: self.rows["train"]]
        valid = streams.fixed.permutation(valid)[: self.rows["valid"]]
        tested = streams.fixed.permutation(len(test))[: self.rows["test"]]
        return Splits(self._split(learn, train), self._split(learn, valid), {"test": self._split(test, tested)})

    def _split(self, table, rows: np.ndarray) -> Split:
        chosen = table.iloc[rows]
        tokens, lengths = byte_rows([text.encode() for text in chosen["text"]], self.length)
        return Split({"tokens": tokens, "lengths": lengths}, chosen["label"].to_numpy(np.int64))

    def reference_scores(self, splits: Splits) -> list[ReferenceScore]:
        train, test = splits.train, splits.tests["test"]
        return [majority_score(train.targets, test.targets), *text_scores(train, test)]
