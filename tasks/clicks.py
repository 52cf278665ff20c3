"""Evaluations and reference scores shared by the click prediction tasks."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from ..harness import Evaluation, Metric, ReferenceScore, Split, Splits
from .reference_scores import fit_logistic

EVALUATIONS = (
    Evaluation("auc", "Area under the ROC curve of clicks.", chance=0.5),
    Evaluation("log_loss", "Mean cross-entropy of clicks.", name="log-loss"),
    Evaluation(
        "scaled_log_loss",
        "Mean cross-entropy of clicks after temperature scaling fitted on the validation rows.",
        name="log-loss-scaled",
        companion_of="log-loss",
    ),
)

USER = "user"
"""Group of a split's rows: the user of each row."""
BY_USER = tuple(replace(evaluation, clusters=USER) for evaluation in EVALUATIONS)
"""The same for data in which users have many rows, which are not independent."""


@dataclass(frozen=True)
class Rule:
    """A reference predictor that returns logits (rows,) for a split."""

    name: str
    summary: str
    logits: Callable[[Split], np.ndarray]
    kind: Literal["baseline", "chance", "ceiling"] = "baseline"


def click_scores(evaluations: Sequence[Evaluation], splits: Splits, rules: Sequence[Rule]) -> list[ReferenceScore]:
    """Return each rule's score in each column of the test set."""
    return [
        ReferenceScore(evaluation.name, rule.name, _score(evaluation.scorer, rule, splits), rule.kind, rule.summary)
        for evaluation in evaluations
        for rule in rules
    ]


def _score(metric: Metric, rule: Rule, splits: Splits) -> float:
    test = splits.tests["test"]
    logits = rule.logits(test)[:, None]
    if metric.calibrate:
        logits = metric.calibrate(rule.logits(splits.valid)[:, None], splits.valid.targets)(logits)
    return metric.score(logits, test.targets)


def constant_rate(train: Split, kind: Literal["baseline", "chance"] = "baseline") -> Rule:
    """Return the rule that predicts the training click rate for every row."""
    rate = log_odds(train.targets.mean(dtype=np.float64))
    return Rule("constant", "The training click rate for every row.", lambda s: np.full(len(s), rate), kind)


def logistic_regression(train: Split, cardinalities: Sequence[int]) -> Rule:
    """Return the rule of a scikit-learn logistic regression on single fields, ids (rows, fields, 1)."""
    model = fit_logistic(one_hot(train.inputs["ids"], cardinalities), train.targets)
    return Rule(
        "logistic regression",
        "Logistic regression on single fields, without interactions.",
        lambda split: model.decision_function(one_hot(split.inputs["ids"], cardinalities)),
    )


def row_lookup(train: Split) -> Rule:
    """Return the rule that predicts the training click rate of rows with the same ids, shrunk toward the mean."""
    mean = train.targets.mean(dtype=np.float64)
    known, member = np.unique(train.inputs["ids"][:, :, 0], axis=0, return_inverse=True)
    clicks, rows = np.bincount(member.ravel(), train.targets), np.bincount(member.ravel())
    odds = log_odds((clicks + mean) / (rows + 1))
    place = {ids.tobytes(): odd for ids, odd in zip(known, odds, strict=True)}

    def logits(split: Split) -> np.ndarray:
        usual = float(log_odds(mean))
        ids = np.ascontiguousarray(split.inputs["ids"][:, :, 0], known.dtype)
        return np.array([place.get(row.tobytes(), usual) for row in ids])

    return Rule("row lookup", "The training click rate of rows with the same ids, without a model.", logits)


def one_hot(ids: np.ndarray, cardinalities: Sequence[int]):
    """Encode ids (rows, fields, 1) as a sparse one-hot matrix (rows, sum of cardinalities)."""
    from scipy.sparse import csr_array

    rows, fields, _ = ids.shape
    columns = ids[:, :, 0].astype(np.int64) + np.concatenate([[0], np.cumsum(cardinalities)[:-1]])
    starts = np.arange(0, rows * fields + 1, fields)
    return csr_array((np.ones(rows * fields), columns.ravel(), starts), shape=(rows, sum(cardinalities)))


def log_odds(probability: np.ndarray | float) -> np.ndarray:
    """Return ``log(p / (1 - p))``."""
    return np.log(probability) - np.log1p(-np.asarray(probability))
