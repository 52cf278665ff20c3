"""Handwritten digits as pixel sequences and as images (the copy of a UCI test set that ships with scikit-learn)."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import ClassVar

import numpy as np

from ..harness import (
    Budget,
    Classes,
    Evaluation,
    Image,
    ReferenceScore,
    Series,
    Split,
    Splits,
    Streams,
    Task,
    TaskSpec,
    register_task,
)
from .reference_scores import fit_logistic, majority_score

SIDE, LENGTH = 8, 64
TEST_SHARE, VALID_SHARE = 0.2, 0.1


@register_task(
    "digits",
    summary="Handwritten digits of 8 by 8 pixels as sequences of 64 gray values.",
    suites=("image", "quick"),
)
class Digits(Task):
    """A row is an image in raster order, its values divided by 16.

    The images of each digit are sorted by a hash of their pixels; the first fifth is the test set and
    the next tenth the validation set, so the split depends only on the images. All tiers except the
    smallest use all 1797 images.

    Parameters
    ----------
    limit
        Maximum number of training images, or None for all.
    """

    arguments: ClassVar = {"smoke": {"limit": 256}, "quick": {}, "standard": {}, "full": {}}
    budgets: ClassVar = {
        "smoke": Budget(steps=20, batch=16),
        "quick": Budget(steps=1_000, batch=32),
        "standard": Budget(steps=2_000, batch=64),
        "full": Budget(steps=10_000, batch=64),
    }
    evaluations = (Evaluation("accuracy", "Share of digits classified correctly.", chance=0.1, ceiling=1.0),)
    published_tiers = ("quick", "standard", "full")
    shown_as = "pixels"

    def __init__(self, limit: int | None = None):
        self.limit = limit

    @property
    def spec(self) -> TaskSpec:
        return TaskSpec(Series(channels=1, length=LENGTH), Classes(10))

    def splits(self, data: Path, streams: Streams) -> Splits:
        from sklearn.datasets import load_digits

        pixels, labels = (np.asarray(array) for array in load_digits(return_X_y=True))
        rank = _rank_within_class(pixels, labels)
        test, valid = rank < TEST_SHARE, (rank >= TEST_SHARE) & (rank < TEST_SHARE + VALID_SHARE)
        train = np.flatnonzero(~(test | valid))[: self.limit]
        train, valid, test = (self._split(pixels[rows], labels[rows]) for rows in (train, valid, test))
        return Splits(train, valid, {"test": test})

    def _split(self, pixels: np.ndarray, labels: np.ndarray) -> Split:
        return Split({"values": (pixels / 16).astype(np.float32)[..., None]}, labels.astype(np.int64))

    def reference_scores(self, splits: Splits) -> list[ReferenceScore]:
        train, test = splits.train, splits.tests["test"]
        model = fit_logistic(_flat(train), train.targets)
        accuracy = float(model.score(_flat(test), test.targets))
        return [
            majority_score(train.targets, test.targets),
            ReferenceScore("", "logistic regression", accuracy, summary="On the 64 pixels."),
        ]


@register_task(
    "digits-image",
    summary="Handwritten digits, images of 8 by 8 pixels that come with scikit-learn.",
    suites=("image", "quick"),
)
class DigitsImage(Digits):
    """The images of `digits` in two dimensions, for models of images, where MNIST is absent."""

    budgets: ClassVar = {
        "smoke": Budget(steps=20, batch=16),
        "quick": Budget(steps=1_000, batch=32),
        "standard": Budget(steps=2_000, batch=64),
        "full": Budget(steps=10_000, batch=64),
    }

    @property
    def spec(self) -> TaskSpec:
        return TaskSpec(Image(1, SIDE, SIDE), Classes(10))

    def _split(self, pixels: np.ndarray, labels: np.ndarray) -> Split:
        images = (pixels / 8 - 1).astype(np.float32).reshape(-1, 1, SIDE, SIDE)
        return Split({"pixels": images}, labels.astype(np.int64))


def _rank_within_class(pixels: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Return each image's rank in its class, ordered by hash and scaled to [0, 1)."""
    hashes = np.array([hashlib.sha256(row.tobytes()).hexdigest() for row in pixels.astype(np.uint8)])
    order = np.lexsort((hashes, labels))
    counts = np.bincount(labels)
    starts = np.repeat(np.cumsum(counts) - counts, counts)
    rank = np.empty(len(labels))
    rank[order] = (np.arange(len(labels)) - starts) / np.repeat(counts, counts)
    return rank


def _flat(split: Split) -> np.ndarray:
    (pixels,) = split.inputs.values()
    return pixels.reshape(len(split), LENGTH)
