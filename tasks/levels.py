"""Levels that several tasks show beside the models."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..harness.contract.evaluation import ReferenceScore
from ..harness.contract.task import Split

IGNORE = -100


def majority_level(train: np.ndarray, test: np.ndarray, evaluation: str = "") -> ReferenceScore:
    """Return the accuracy of always answering the class that is commonest in training.

    Parameters
    ----------
    train, test
        Classes of any shape; entries of -100 are not scored.
    """
    classes, counts = np.unique(train[train != IGNORE], return_counts=True)
    value = float(np.mean(test[test != IGNORE] == classes[counts.argmax()]))
    return ReferenceScore(evaluation, "majority", value, "baseline", "Always the class that is commonest in training.")


def fit_logistic(features: Any, labels: np.ndarray) -> Any:
    """Return scikit-learn's logistic regression, with its default L2 penalty, after the fit.

    Parameters
    ----------
    features
        (rows, features), dense or sparse.
    labels
        (rows,) classes.
    """
    from sklearn.linear_model import LogisticRegression

    return LogisticRegression(max_iter=1000).fit(features, labels)


def next_byte_levels(evaluation: str, train: Split, test: Split, vocabulary: int) -> list[ReferenceScore]:
    """Return the bits per byte of a unigram and a bigram model of the scored tokens.

    The bigram model is interpolated with the unigram one after Witten and Bell (1991): a byte
    that had t different successors in n occurrences leaves a share of t / (n + t) to it.
    """
    scored = train.targets != IGNORE
    cells = train.inputs["tokens"][scored].astype(np.int64) * vocabulary + train.targets[scored]
    counts = np.bincount(cells, minlength=vocabulary**2).reshape(vocabulary, vocabulary)
    unigram = (counts.sum(0) + 1) / (counts.sum() + vocabulary)
    kinds = np.maximum((counts > 0).sum(1, keepdims=True), 1)
    bigram = (counts + kinds * unigram) / (counts.sum(1, keepdims=True) + kinds)
    asked = test.targets != IGNORE
    before, after = test.inputs["tokens"][asked], test.targets[asked]
    models = {"unigram": unigram[after], "bigram": bigram[before, after]}
    return [
        ReferenceScore(
            evaluation, name, float(-np.log2(chance).mean()), summary=f"A smoothed {name} model of the training bytes."
        )
        for name, chance in models.items()
    ]
