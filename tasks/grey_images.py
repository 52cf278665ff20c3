"""Gray images as pixel sequences in raster order, shared by the image tasks of the Long Range Arena."""

from __future__ import annotations

import numpy as np

from ..harness import Budget, Classes, ReferenceScore, Series, Split, TaskSpec
from .reference_scores import fit_logistic

IMAGE_BUDGETS = {
    "smoke": Budget(steps=3, batch=4),
    "quick": Budget(steps=40, batch=8),
    "standard": Budget(steps=5_000, batch=64),
    "full": Budget(steps=100_000, batch=64),
}
LARGE_IMAGE_BUDGETS = {
    "smoke": Budget(steps=2, batch=2),
    "quick": Budget(steps=10, batch=4),
    "standard": Budget(steps=2_000, batch=16),
    "full": Budget(steps=100_000, batch=16),
}
"""For images of 128 by 128 pixels in the published tiers."""

FITTED_ROWS = 4_000
"""Maximum number of training images for the reference score "logistic regression"."""


def image_spec(side: int, classes: int) -> TaskSpec:
    """Return the spec of square images: ``side ** 2`` gray values in, one of `classes` classes out."""
    return TaskSpec(Series(channels=1, length=side**2), Classes(classes))


def image_split(images: np.ndarray, labels: np.ndarray) -> Split:
    """Return a split of images (rows, side, side) uint8 with their classes (rows,)."""
    return Split({"values": images.reshape(len(images), -1, 1)}, labels.astype(np.int64))


def pixel_score(train: Split, test: Split) -> ReferenceScore:
    """Return the score of logistic regression on pixels."""
    rows = slice(FITTED_ROWS)
    model = fit_logistic(_numbers(train, rows), train.targets[rows])
    value = float(model.score(_numbers(test, slice(None)), test.targets))
    return ReferenceScore(
        "", "logistic regression", value, summary=f"On the pixels of at most {FITTED_ROWS} training images."
    )


def _numbers(split: Split, rows: slice) -> np.ndarray:
    return split.inputs["values"][rows, :, 0] / np.float32(127.5) - 1
