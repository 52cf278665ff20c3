"""Contract checks of a task at a small tier."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import numpy as np

from ..contract.evaluation import Evaluation
from ..contract.metrics import METRICS, Metric
from ..contract.scan import Entry
from ..contract.spec import NextToken, PerPosition, TaskSpec
from ..contract.task import Split, Splits, Streams, Task
from ..data.arrays import content_checksum
from ..data.fits_spec import check_splits
from ..data.prepare import streams
from .findings import BrokenError, Finding, examine, require
from .rows import row_keys

DRAWS = 60
"""Number of random predictions for the chance check."""

GUESSABLE = ("accuracy", "position_accuracy", "auc", "choice_accuracy")
"""Metrics for which random logits score at chance."""


@dataclass
class TaskSubject:
    """A task class at one tier, and its rows for seed 0."""

    cls: Any
    tier: str
    data: Path

    @cached_property
    def task(self) -> Task:
        return self.cls(**self.cls.arguments[self.tier])

    @cached_property
    def splits(self) -> Splits:
        return self.task.splits(self.data, self._streams(seed=0))

    def rows(self, seed: int) -> Splits:
        """Return the rows of a seed, created by a new instance."""
        return self.cls(**self.cls.arguments[self.tier]).splits(self.data, self._streams(seed))

    def _streams(self, seed: int) -> Streams:
        return streams(getattr(self.cls, "registered_name", self.cls.__name__), self.tier, seed)

    def named(self) -> dict[str, Split]:
        tests = {f"test '{name}'": split for name, split in self.splits.tests.items()}
        return {"train": self.splits.train, "valid": self.splits.valid, **tests}


def check_task(task: Entry | type, tier: str = "smoke", data: Path = Path()) -> list[Finding]:
    """Run the contract checks of a task.

    Parameters
    ----------
    task
        A registered entry or a class.
    tier
        The tier to create it at.
    data
        The data folder. A task is skipped if its data is missing.
    """
    made: list[TaskSubject] = []
    findings = [examine("make", partial(_make, task, tier, data, made))]
    for point, check in POINTS.items() if made else ():
        findings.append(examine(point, partial(check, made[0])))
        if point == "spec" and findings[-1].status == "failed":
            break
    return findings


def _make(task: Entry | type, tier: str, data: Path, made: list[TaskSubject]) -> str | None:
    cls: Any = task.load() if isinstance(task, Entry) else task
    require(issubclass(cls, Task), f"{cls.__name__} is not a subclass of archarena.harness.Task")
    require(tier in cls.arguments and tier in cls.budgets, f"arguments and budgets have no tier '{tier}'")
    require(bool(cls.evaluations), "there is no evaluation")
    for source in cls.data_sources:
        if source.find(data) is None:
            return source.missing(data)
    subject = TaskSubject(cls, tier, data)
    require(isinstance(subject.splits, Splits), f"splits() returned {type(subject.splits).__name__}, not Splits")
    empty = [name for name, split in subject.named().items() if not len(split.targets)]
    require(not empty, f"there are no rows in {', '.join(empty)}")
    made.append(subject)
    return None


def spec(subject: TaskSubject) -> None:
    """Check that every array matches the spec in name, shape, dtype and range."""
    check_splits(subject.splits, subject.task.spec, subject.task.evaluations)


def deterministic(subject: TaskSubject) -> None:
    """Check that equal streams give equal rows, and that the seed changes only the training rows."""
    again, other = subject.rows(seed=0), subject.rows(seed=1)
    require(content_checksum(again) == content_checksum(subject.splits), "the same streams gave different rows")
    moved = [name for name in ("valid", *other.tests) if not _same(_split(other, name), _split(subject.splits, name))]
    require(not moved, f"another seed changed {', '.join(moved)}; only the training rows may depend on the seed")


def _split(splits: Splits, name: str) -> Split:
    return splits.valid if name == "valid" else splits.tests[name]


def _same(a: Split, b: Split) -> bool:
    pairs = [(a.targets, b.targets), *((a.inputs[name], b.inputs[name]) for name in a.inputs)]
    return all(np.array_equal(x, y) for x, y in pairs)


def no_leak(subject: TaskSubject) -> str | None:
    """Check that no training row is in the validation or test rows, and no validation row in the test rows.

    A task that gives a reason in `Task.duplicates` is not checked.

    Rows that repeat naturally (such as the same user and item) may recur as often as training rows
    repeat among themselves: for exchangeable rows, a new row is in the training rows just as often.
    """
    if subject.task.duplicates:
        return f"the task declares duplicates: {subject.task.duplicates}"
    keys = {name: row_keys(split) for name, split in subject.named().items()}
    tests = [name for name in keys if name not in ("train", "valid")]
    counts = np.unique(keys["train"], return_counts=True)[1]
    repeating = float(counts[counts > 1].sum() / len(keys["train"]))
    rate = repeating / len(keys["train"])
    for source, others in (("train", ["valid", *tests]), ("valid", tests)):
        for name in others:
            found, count = int(np.isin(keys[name], keys[source]).sum()), len(keys[name])
            natural = rate * len(keys[source]) * count
            allowed = natural + 4 * math.sqrt(natural) + 4 * (natural > 0)
            advice = "Split the data by rows that differ, or give the reason in the task's attribute duplicates"
            require(found <= allowed, f"{found} of {count} rows of {name} are {source} rows. {advice}")
    return None


def evaluations(subject: TaskSubject) -> None:
    """Check that evaluation names are unique and that their metrics, test sets and groups exist."""
    names = [evaluation.name for evaluation in subject.task.evaluations]
    first = subject.task.evaluations[0].metric
    require(isinstance(first, str), "the first evaluation's metric must be the name of a harness metric")
    require(len(set(names)) == len(names), f"two evaluations have the same name: {names}")
    for e in subject.task.evaluations:
        label = f"evaluation '{e.name}'"
        known = isinstance(e.metric, Metric) or e.metric in METRICS
        require(known, f"{label} has metric '{e.metric}'; known: {', '.join(METRICS)}")
        require(
            (e.readout == "generate") == (e.decoding is not None),
            f"{label} must have a decoding if, and only if, its readout is generate",
        )
        require(e.test in subject.splits.tests, f"{label} uses test set '{e.test}', which does not exist")
        absent = [name for name in e.slices if name not in subject.splits.tests[e.test].groups]
        require(not absent, f"{label} is sliced by {', '.join(absent)}, but the test set has no such groups")
        if e.readout == "outputs":
            _try_metric(e, subject.splits.tests[e.test], subject.task.spec, label)


def _try_metric(evaluation: Evaluation, test: Split, task: TaskSpec, label: str) -> None:
    """Check that the metric takes outputs and targets of the task's shapes."""
    metric, shape = evaluation.scorer, _prediction_shape(evaluation, test, task)
    try:
        metric.score(np.random.default_rng(0).random(shape), np.asarray(test.targets))
    except (ValueError, IndexError) as error:
        found = f"outputs of shape {shape} with targets of shape {np.shape(test.targets)}"
        raise BrokenError(
            f"{label}: metric '{metric.name}' cannot score {found} ({error}). {metric.summary}"
        ) from error


def chance(subject: TaskSubject) -> str | None:
    """Check that random predictions score the declared chance."""
    declared = [e for e in subject.task.evaluations if e.chance is not None and e.metric in GUESSABLE]
    if not declared:
        return "no evaluation declares a chance score that random predictions can reach"
    for e in declared:
        scores = np.array(_guesses(e, subject.splits.tests[e.test], subject.task.spec))
        mean, error = scores.mean(), scores.std(ddof=1) / math.sqrt(DRAWS)
        label = f"evaluation '{e.name}' declares chance {e.chance:.4g}; random predictions score {mean:.4g}"
        require(abs(mean - e.chance) <= 4 * error + 1e-9, f"{label} ± {error:.2g}")
    return None


def _guesses(evaluation: Evaluation, test: Split, task: TaskSpec) -> list[float]:
    generator = np.random.default_rng(0)
    metric, targets = evaluation.scorer, np.asarray(test.targets)
    shape = _prediction_shape(evaluation, test, task)
    return [metric.score(generator.standard_normal(shape), targets) for _ in range(DRAWS)]


def _prediction_shape(evaluation: Evaluation, test: Split, task: TaskSpec) -> tuple[int, ...]:
    if evaluation.readout == "likelihood":
        return (len(test),)
    match task.outputs:
        case PerPosition(n, ignore):
            return int((test.targets != ignore).sum()), n
        case NextToken():
            return test.targets.shape
    return len(test), task.n_outputs


def reference_scores(subject: TaskSubject) -> None:
    """Check that reference scores are finite and belong to declared evaluations."""
    names = {evaluation.name for evaluation in subject.task.evaluations}
    for score in subject.task.reference_scores(subject.splits):
        label = f"reference score '{score.name}'"
        require(score.evaluation in names, f"{label} refers to evaluation '{score.evaluation}', which does not exist")
        require(math.isfinite(score.value), f"{label} is {score.value}")


POINTS: dict[str, Callable[[TaskSubject], str | None]] = {
    "spec": spec,
    "deterministic": deterministic,
    "no leak": no_leak,
    "evaluations": evaluations,
    "chance": chance,
    "reference scores": reference_scores,
}
