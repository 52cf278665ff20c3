"""The contract of a task: data with splits, one training, and a list of evaluations."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Literal, Protocol

import numpy as np

from .metrics import METRICS, Metric
from .spec import TaskSpec


@dataclass(frozen=True)
class Split:
    """Rows of a task.

    Attributes
    ----------
    inputs
        Named arrays as in `archarena.harness.spec`, rows on the first axis.
    targets
        What is to be predicted, as in `archarena.harness.spec`.
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
class Decoding:
    """How answers are generated.

    Attributes
    ----------
    max_new_tokens
        Most tokens of an answer.
    samples
        Answers a prompt.
    temperature
        0 takes the likeliest token each time.
    stop
        The token that ends an answer.
    stop_text
        The text that ends it, for a model that writes text (`archarena.harness.model.Generator`).
    """

    max_new_tokens: int
    samples: int = 1
    temperature: float = 0.0
    stop: int | None = None
    stop_text: str | None = None


@dataclass(frozen=True)
class Evaluation:
    """One column of the board: a metric on one test set.

    Attributes
    ----------
    name
        Empty for a task's main column, named like the task; else it is appended to that name.
    metric
        A name in `archarena.harness.metrics`, or a `Metric` of the task's own (not for the first
        evaluation, whose metric is read on the validation rows too).
    test
        The test set it reads.
    readout
        ``"outputs"``: what the model returns. ``"likelihood"`` (next-token tasks): the summed
        log-probability of each row's scored tokens, so that candidates can be ranked; the
        split's inputs then hold ``candidates`` (rows, length), next tokens or -100, and the
        targets belong to the parent alone. ``"generate"`` (next-token tasks): answers to prompts,
        as `decoding` says; the inputs are the prompts, ``tokens`` and ``lengths``, and, for models
        that write text, ``text`` (rows,) of str. The metric gets tokens (rows, samples, length)
        int32, or UTF-8 bytes of that shape as uint8 (`archarena.harness.decoding.read_text`), 0
        past the end, and the targets, which belong to the parent alone.
    decoding
        How answers are generated, for readout ``"generate"``.
    chance, ceiling
        The score of a blind guess and the best reachable score, where they are constants. Those
        that depend on the data come from `Task.baselines`.
    slices
        Names of `Split.groups` by which the score is also reported.
    """

    metric: str | Metric
    summary: str
    name: str = ""
    test: str = "test"
    readout: Literal["outputs", "likelihood", "generate"] = "outputs"
    decoding: Decoding | None = None
    chance: float | None = None
    ceiling: float | None = None
    slices: tuple[str, ...] = ()

    @property
    def scorer(self) -> Metric:
        """Return the metric itself."""
        return METRICS[self.metric] if isinstance(self.metric, str) else self.metric

    @property
    def predictions(self) -> str:
        """Return the name of the predictions it scores; evaluations of one name share them."""
        how = self.decoding
        sampled = f"-{how.samples}x{how.temperature:g}" if how and (how.samples, how.temperature) != (1, 0) else ""
        return f"{self.test}.{self.readout}{sampled}"


@dataclass(frozen=True)
class Level:
    """A score to lay beside the models': what a rule without learning, or a bound, reaches."""

    evaluation: str
    name: str
    value: float
    kind: Literal["chance", "baseline", "ceiling"] = "baseline"
    summary: str = ""


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


class DataSource(Protocol):
    """A data set that lies outside the package (see `archarena.tasks.data`)."""

    @property
    def name(self) -> str:
        """Return the name by which tasks and users call it."""
        ...

    @property
    def summary(self) -> str:
        """Return one sentence: what it holds."""
        ...

    @property
    def licence(self) -> str:
        """Return what its owner allows."""
        ...

    def find(self, folder: Path) -> Path | None:
        """Return where the set lies under the data folder, or None."""
        ...

    def resolve(self, folder: Path) -> Path:
        """Return where the set lies, brought from the hub first where that is allowed.

        Raises
        ------
        UserError
            If it is not to be had: names the set, the places looked in and how to bring it.
        """
        ...

    def fetch(self, folder: Path, report: Callable[[str, int], None]) -> Path:
        """Bring what is absent from the hub; `report` is told a part's name and its rows so far."""
        ...

    def adopt(self, place: Path, folder: Path) -> Path:
        """Check the files at a place that the user names, and copy them into the data folder."""
        ...

    def missing(self, folder: Path) -> str:
        """Return the sentence that `resolve` raises."""
        ...

    def identity(self) -> dict[str, Any]:
        """Return what pins the set's content: checksums, counts."""
        ...


class Task:
    """Base of all tasks. A tier's entry in `sizes` is passed to ``__init__``.

    Class attributes
    ----------------
    sizes
        Keyword arguments of ``__init__`` by tier.
    budgets
        `Budget` by tier.
    evaluations
        The columns; an attribute of the instance where they depend on its size. The first one's
        metric, on the validation rows, picks the learning rate.
    sources
        Data sets that must be at hand.
    published
        Tiers whose size is the published one; all others are shown as "reduced".
    version
        Raised whenever the same arguments would give other data.
    recipes_of
        The task whose published recipes are this one's too, but for their batch, which is that of
        this task's budget. Empty where the task has recipes of its own.
    """

    sizes: ClassVar[Mapping[str, Mapping[str, Any]]]
    budgets: ClassVar[Mapping[str, Budget]]
    evaluations: tuple[Evaluation, ...]
    sources: ClassVar[tuple[DataSource, ...]] = ()
    published: ClassVar[tuple[str, ...]] = ("full",)
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

    def baselines(self, splits: Splits) -> list[Level]:
        """Return the levels shown beside the models, computed from the data."""
        return []
