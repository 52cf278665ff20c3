"""The task contract: data splits, a training budget and a list of evaluations."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from ..errors import UserError
from .data_source import DataSource
from .evaluation import Evaluation, ReferenceScore
from .names import check_name
from .spec import TaskSpec


@dataclass(frozen=True)
class Split:
    """A subset of a task's rows.

    Attributes
    ----------
    inputs
        Named arrays as in `archarena.harness.contract.spec`, with rows on the first axis.
    targets
        Targets as in `archarena.harness.contract.spec`.
    groups
        Labels per row, such as a subject or a difficulty, for slicing evaluations. In training rows, the group
        ``separate`` (bool) marks those that a published recipe may use for updates of their own.
    """

    inputs: Mapping[str, np.ndarray]
    targets: np.ndarray
    groups: Mapping[str, np.ndarray] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name in (*self.inputs, *self.groups):
            check_name("array", name)

    def __len__(self) -> int:
        return len(next(iter(self.inputs.values())))


@dataclass(frozen=True)
class Splits:
    """Training and validation rows, and one or more test sets by name."""

    train: Split
    valid: Split
    tests: Mapping[str, Split]

    def __post_init__(self) -> None:
        if not isinstance(self.tests, Mapping):
            found = type(self.tests).__name__
            raise UserError(f"The tests of Splits must be a dict, such as {{'test': split}}, found {found}.")
        for name in self.tests:
            check_name("test set", name)
        for split in (self.train, self.valid, *self.tests.values()):
            if not isinstance(split, Split):
                raise UserError(f"The parts of Splits must be a Split each, found {type(split).__name__}.")


@dataclass(frozen=True)
class Budget:
    """Training budget of a task at one tier: optimizer steps per attempt, and rows per batch."""

    steps: int
    batch: int


@dataclass(frozen=True)
class Streams:
    """Random streams for a task's data: `train` depends on the seed, `fixed` does not."""

    train: np.random.Generator
    fixed: np.random.Generator


class Task:
    """Base class of all tasks. A tier's entry in `arguments` is passed to ``__init__``.

    Class attributes
    ----------------
    arguments
        Keyword arguments of ``__init__`` by tier.
    budgets
        `Budget` by tier.
    evaluations
        The task's columns; set on the instance if they depend on its arguments. The metric of the first
        evaluation is also computed on the validation rows.
    data_sources
        Data sources that the task requires.
    published_tiers
        Tiers with the published task setup; all others are shown as "reduced". None if the task has not been published.
    duplicates
        Why rows of one split are also in another, as in a log of repeated events. Without a reason, `archarena check`
        fails for such a task; pages show the reason.
    version
        Increased whenever the same arguments would produce different data.
    plateau
        Whether scores rise suddenly after a long plateau, as on recall and state tracking. Training under
        the common recipe then ends early only at a perfect score, never because the score has stalled.
    recipes_of
        Name of a task with published recipes that also apply to this task, but with the batch of this
        task's budget. Empty if the task has its own recipes.
    """

    arguments: ClassVar[Mapping[str, Mapping[str, Any]]]
    budgets: ClassVar[Mapping[str, Budget]]
    evaluations: tuple[Evaluation, ...]
    data_sources: ClassVar[tuple[DataSource, ...]] = ()
    published_tiers: ClassVar[tuple[str, ...] | None] = None
    duplicates: ClassVar[str] = ""
    version: ClassVar[int] = 1
    plateau: ClassVar[bool] = False
    recipes_of: ClassVar[str] = ""
    shown_as: ClassVar[str] = ""
    token_names: tuple[str, ...] = ()

    @property
    def spec(self) -> TaskSpec:
        """Return the input and output specification.

        It is accessed after `splits`, so it may depend on the data, such as on the vocabulary size.
        """
        raise UserError(f"Task {type(self).__name__} does not define the property spec, which returns a TaskSpec.")

    def splits(self, data: Path, streams: Streams) -> Splits:
        """Return the splits. Only `Splits.train` may draw from ``streams.train``.

        Parameters
        ----------
        data
            The data folder; generated tasks ignore it.
        """
        raise UserError(f"Task {type(self).__name__} does not define splits(data, streams), which returns Splits.")

    def reference_scores(self, splits: Splits) -> list[ReferenceScore]:
        """Return the reference scores that are computed from the data."""
        return []
