"""Grey images read pixel by pixel, row by row: what the image tasks of the Long Range Arena share."""

from __future__ import annotations

import numpy as np

from ..harness.contract.evaluation import ReferenceScore
from ..harness.contract.spec import Classes, Series, TaskSpec
from ..harness.contract.task import Split
from .levels import fit_logistic

FITTED_ROWS = 4_000
"""Training images at most that the level "logistic regression" is fitted on."""


def image_spec(side: int, classes: int) -> TaskSpec:
    """Return the spec of square images: `side` squared grey values in, one of some classes out."""
    return TaskSpec(Series(channels=1, length=side**2), Classes(classes))


def image_split(images: np.ndarray, labels: np.ndarray) -> Split:
    """Return a split of images (rows, side, side) uint8 with their classes (rows,)."""
    return Split({"values": images.reshape(len(images), -1, 1)}, labels.astype(np.int64))


def pixel_level(train: Split, test: Split) -> ReferenceScore:
    """Return what logistic regression on single pixels reaches."""
    rows = slice(FITTED_ROWS)
    model = fit_logistic(_numbers(train, rows), train.targets[rows])
    value = float(model.score(_numbers(test, slice(None)), test.targets))
    return ReferenceScore(
        "", "logistic regression", value, summary=f"On single pixels of at most {FITTED_ROWS} images."
    )


def _numbers(split: Split, rows: slice) -> np.ndarray:
    return split.inputs["values"][rows, :, 0] / np.float32(127.5) - 1
