"""The contract of a task: data with splits, one training, and a list of evaluations."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from .data_source import DataSource
from .evaluation import Evaluation, ReferenceScore
from .spec import TaskSpec


@dataclass(frozen=True)
class Split:
    """Rows of a task.

    Attributes
    ----------
    inputs
        Named arrays as in `archarena.harness.contract.spec`, rows on the first axis.
    targets
        What is to be predicted, as in `archarena.harness.contract.spec`.
    groups
        Labels a row (a subject, a level) by which an evaluation may be sliced.
    """

    inputs: Mapping[str, np.ndarray]
    targets: np.ndarray
    groups: Mapping[str, np.ndarray] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(next(iter(self.inputs.values())))


@dataclass(frozen=True)
class Splits:
    """Training and validation rows, and one or more test sets by name."""

    train: Split
    valid: Split
    tests: Mapping[str, Split]


@dataclass(frozen=True)
class Budget:
    """How long a task trains at one tier: optimiser steps a try, and rows a step."""

    steps: int
    batch: int


@dataclass(frozen=True)
class Streams:
    """The random streams of a task's data: `train` moves with the seed, `fixed` does not."""

    train: np.random.Generator
    fixed: np.random.Generator


class Task:
    """Base of all tasks. A tier's entry in `arguments` is passed to ``__init__``.

    Class attributes
    ----------------
    arguments
        Keyword arguments of ``__init__`` by tier.
    budgets
        `Budget` by tier.
    evaluations
        The columns; an attribute of the instance where they depend on its size. The first one's
        metric, on the validation rows, picks the learning rate.
    data_sources
        Data sets that must be at hand.
    published_tiers
        Tiers whose size is the published one; all others are shown as "reduced".
    version
        Raised whenever the same arguments would give other data.
    recipes_of
        The task whose published recipes are this one's too, but for their batch, which is that of
        this task's budget. Empty where the task has recipes of its own.
    """

    arguments: ClassVar[Mapping[str, Mapping[str, Any]]]
    budgets: ClassVar[Mapping[str, Budget]]
    evaluations: tuple[Evaluation, ...]
    data_sources: ClassVar[tuple[DataSource, ...]] = ()
    published_tiers: ClassVar[tuple[str, ...]] = ("full",)
    version: ClassVar[int] = 1
    recipes_of: ClassVar[str] = ""

    @property
    def spec(self) -> TaskSpec:
        """Return what a model gets and gives.

        Asked for after `splits`, so that it may tell what only the data tell, as the size of a vocabulary.
        """
        raise NotImplementedError

    def splits(self, data: Path, streams: Streams) -> Splits:
        """Return the arrays. Only `Splits.train` may draw from ``streams.train``.

        Parameters
        ----------
        data
            The data folder; tasks made by code ignore it.
        """
        raise NotImplementedError

    def reference_scores(self, splits: Splits) -> list[ReferenceScore]:
        """Return the levels shown beside the models, computed from the data."""
        return []
