"""ListOps of the Long Range Arena (Tay et al. 2021, arXiv:2011.04006; Nangia and Bowman 2018)."""

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
from .generated import Arrays, generated
from .listops_trees import VOCABULARY, draw_trees
from .reference_scores import majority_score
from .rows import distinct_rows


@register_task(
    "lra-listops",
    summary="Evaluate a nested list of minima, maxima, medians and sums modulo 10, written in prefix form.",
    suites=("lra", "quick", "demo"),
)
class ListOps(Task):
    """A row is a tree of operators over digits in prefix form, and the target is the tree's value.

    Trees are drawn as published and kept if their length is strictly between the bounds; all rows
    are distinct. Lower bounds keep shallower trees, which can often be predicted from the first
    operator; the reference score "first operator" shows how often. The published tiers have the
    bounds of the Long Range Arena, 500 and 2000 tokens.

    Parameters
    ----------
    shorter_than, longer_than
        Exclusive bounds on the tokens per row.
    train, valid, test
        Number of rows.
    """

    arguments: ClassVar = {
        "smoke": {"longer_than": 10, "shorter_than": 33, "train": 256, "valid": 64, "test": 128},
        "quick": {"longer_than": 5, "shorter_than": 25, "train": 20_000, "valid": 250, "test": 2_000},
        "standard": {"longer_than": 100, "shorter_than": 513, "train": 96_000, "valid": 1_000, "test": 2_000},
        "full": {"longer_than": 500, "shorter_than": 2000, "train": 96_000, "valid": 2_000, "test": 2_000},
    }
    budgets: ClassVar = {
        "smoke": Budget(steps=20, batch=16),
        "quick": Budget(steps=1_000, batch=32),
        "standard": Budget(steps=5_000, batch=64),
        "full": Budget(steps=30_000, batch=32),
    }
    version = 2
    evaluations = (Evaluation("accuracy", "Share of trees evaluated correctly.", chance=0.1, ceiling=1.0),)
    published_tiers = ("full",)
    shown_as = "tree"
    token_names = VOCABULARY

    def __init__(self, longer_than: int, shorter_than: int, train: int, valid: int, test: int):
        self.longer_than, self.shorter_than = longer_than, shorter_than
        self.train, self.valid, self.test = train, valid, test

    @property
    def spec(self) -> TaskSpec:
        return TaskSpec(Tokens(len(VOCABULARY), self.shorter_than - 1), Classes(10))

    def splits(self, data: Path, streams: Streams) -> Splits:
        sizes = {"train": self.train, "held out": self.valid + self.test}
        arguments = {"longer than": self.longer_than, "shorter than": self.shorter_than, **sizes}
        drawn = generated("listops", self.version, arguments, (streams.fixed, streams.train), self._draw_all)
        held_out, train = drawn["held out"], drawn["train"]
        return Splits(_split(train), _split(held_out[: self.valid]), {"test": _split(held_out[self.valid :])})

    def reference_scores(self, splits: Splits) -> list[ReferenceScore]:
        train, test = splits.train, splits.tests["test"]
        return [majority_score(train.targets, test.targets), _first_operator(train, test)]

    def _draw_all(self, fixed: np.random.Generator, train: np.random.Generator) -> Arrays:
        held_out = self._rows(fixed, self.valid + self.test)
        return {"held out": held_out, "train": self._rows(train, self.train, held_out)}

    def _rows(self, generator: np.random.Generator, n: int, exclude: np.ndarray | None = None) -> np.ndarray:
        draw = partial(draw_trees, generator, longer_than=self.longer_than, shorter_than=self.shorter_than)
        return distinct_rows(draw, n, exclude)


def _first_operator(train: Split, test: Split) -> ReferenceScore:
    counts = np.zeros((len(VOCABULARY), 10), np.int64)
    np.add.at(counts, (train.inputs["tokens"][:, 0], train.targets), 1)
    guesses = counts.argmax(axis=1)[test.inputs["tokens"][:, 0]]
    value = float(np.mean(guesses == test.targets))
    return ReferenceScore(
        "", "first operator", value, summary="The most frequent training value of trees with the same first operator."
    )


def _split(rows: np.ndarray) -> Split:
    values, tokens = rows[:, 0], rows[:, 1:]
    return Split({"tokens": tokens, "lengths": (tokens > 0).sum(axis=1, dtype=np.int32)}, values.astype(np.int64))
