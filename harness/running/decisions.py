"""How a trial decided on all test rows, in a few numbers for its page: a confusion matrix or a calibration curve."""

from __future__ import annotations

import numpy as np

from ..records.record import Calibration, Decisions

MOST_CLASSES = 20
BINS = 10


def decisions(kind: str, predictions: np.ndarray, targets: np.ndarray) -> Decisions | None:
    """Return the confusion matrix of classes or the calibration of a binary label, or None for other outputs.

    Parameters
    ----------
    kind
        Kind of the task's outputs, such as "Classes" (`archarena.harness.contract.spec`).
    """
    if len(predictions) != len(targets) or predictions.ndim != 2 or targets.ndim != 1:
        return None
    if kind == "Classes" and 2 <= predictions.shape[1] <= MOST_CLASSES:
        return Decisions(confusion=_confusion(predictions, targets.astype(np.int64)))
    if kind == "Binary" and predictions.shape[1] == 1:
        return Decisions(calibration=_calibration(predictions[:, 0], targets))
    return None


def _confusion(logits: np.ndarray, targets: np.ndarray) -> list[list[int]]:
    """Return the number of rows by target, then by predicted class."""
    counts = np.zeros((logits.shape[1], logits.shape[1]), np.int64)
    np.add.at(counts, (targets, logits.argmax(1)), 1)
    return counts.tolist()


def _calibration(logits: np.ndarray, labels: np.ndarray) -> list[Calibration]:
    """Return equally filled bins of rows, by predicted probability."""
    probabilities = 1 / (1 + np.exp(-np.clip(logits.astype(np.float64), -50, 50)))
    order = np.argsort(probabilities, kind="stable")
    return [
        Calibration(predicted=float(probabilities[rows].mean()), observed=float(labels[rows].mean()), rows=len(rows))
        for rows in np.array_split(order, min(BINS, len(order)))
    ]
