"""Levels that several tasks show beside the models."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..harness.task import Level

IGNORE = -100


def majority_level(train: np.ndarray, test: np.ndarray, evaluation: str = "") -> Level:
    """Return the accuracy of always answering the class that is commonest in training.

    Parameters
    ----------
    train, test
        Classes of any shape; entries of -100 are not scored.
    """
    classes, counts = np.unique(train[train != IGNORE], return_counts=True)
    value = float(np.mean(test[test != IGNORE] == classes[counts.argmax()]))
    return Level(evaluation, "majority", value, "baseline", "Always the class that is commonest in training.")


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
