"""MNIST: handwritten digits as images."""

from __future__ import annotations

import math
from pathlib import Path
from typing import ClassVar

import numpy as np

from ..harness import (
    Budget,
    Classes,
    Evaluation,
    Image,
    ReferenceScore,
    Split,
    Splits,
    Streams,
    Task,
    TaskSpec,
    register_task,
)
from ..harness.data.data_set import hold_out
from .byte_files import ByteFiles
from .reference_scores import fit_logistic, majority_score

SIDE = 28
HELD_OUT = 5_000
"""Number of training images held out for validation in every tier."""

LOGISTIC_ROWS = 2_000
"""Training images for the logistic regression, limited to keep the fit fast."""

UNSIGNED_BYTE = 0x08


class IdxSet(ByteFiles):
    """Byte arrays in IDX files, gzipped or not."""

    def array(self, folder: Path, part: str) -> np.ndarray:
        """Return a part's array, checked (see `ByteFiles.content`)."""
        return parse_idx(self.content(folder, part))


def parse_idx(content: bytes) -> np.ndarray:
    """Return the array of unsigned bytes in an IDX file.

    The header has two zero bytes, the type, the number of axes, and the length of each axis as a
    big-endian 32-bit number. The values follow, with the last axis varying fastest.

    Raises
    ------
    ValueError
        If the type is not unsigned byte or the number of values does not match the header.
    """
    if content[:3] != bytes((0, 0, UNSIGNED_BYTE)):
        raise ValueError(f"Not an IDX file of unsigned bytes: it starts with {content[:4].hex()}.")
    start = 4 + 4 * content[3]
    shape = tuple(np.frombuffer(content[4:start], dtype=">u4").tolist())
    if len(content) - start != math.prod(shape):
        raise ValueError(f"An IDX file of shape {shape} has {len(content) - start} values.")
    return np.frombuffer(content, dtype=np.uint8, offset=start).reshape(shape)


FILES = {
    "train images": "train-images-idx3-ubyte",
    "train labels": "train-labels-idx1-ubyte",
    "test images": "t10k-images-idx3-ubyte",
    "test labels": "t10k-labels-idx1-ubyte",
}

MNIST = IdxSet(
    name="mnist",
    summary="MNIST, 70,000 handwritten digits, LeCun et al. 1998",
    license="commonly given as CC BY-SA 3.0",
    checksums={
        "train images": "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
        "train labels": "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
        "test images": "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
        "test labels": "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
    },
    files={part: (f"{name}.gz", name) for part, name in FILES.items()},
)


@register_task(
    "mnist",
    summary="Handwritten digits, images of 28 by 28 pixels (MNIST).",
    suites=("image",),
    needs=("mnist",),
)
class MNISTDigits(Task):
    """Gray values from -1 to 1. Of the 60,000 training images, 5,000 are held out for validation.

    The held-out images are balanced over the digits and the same for every tier and seed.

    Parameters
    ----------
    train, valid, test
        Number of rows. The training rows depend on the seed.
    """

    arguments: ClassVar = {
        "smoke": {"train": 512, "valid": 20, "test": 64},
        "quick": {"train": 20_000, "valid": 200, "test": 1_000},
        "standard": {"train": 55_000, "valid": 5_000, "test": 10_000},
        "full": {"train": 55_000, "valid": 5_000, "test": 10_000},
    }
    budgets: ClassVar = {
        "smoke": Budget(steps=5, batch=8),
        "quick": Budget(steps=150, batch=16),
        "standard": Budget(steps=5_000, batch=128),
        "full": Budget(steps=20_000, batch=128),
    }
    evaluations = (Evaluation("accuracy", "Share of test digits classified correctly.", chance=0.1, ceiling=1.0),)
    published_tiers = ("standard", "full")
    shown_as = "pixels"
    data_sources = (MNIST,)
    dataset = MNIST
    held_out = HELD_OUT

    def __init__(self, train: int, valid: int, test: int):
        self.rows = {"train": train, "valid": valid, "test": test}

    @property
    def spec(self) -> TaskSpec:
        return TaskSpec(Image(1, SIDE, SIDE), Classes(10))

    def splits(self, data: Path, streams: Streams) -> Splits:
        arrays = {part: self.dataset.array(data, part) for part in FILES}
        train, valid = hold_out(arrays["train labels"], self.held_out, "mnist")
        train = streams.train.permutation(train)[: self.rows["train"]]
        valid = streams.fixed.permutation(valid)[: self.rows["valid"]]
        tested = streams.fixed.permutation(len(arrays["test labels"]))[: self.rows["test"]]
        learn, test = ((arrays[f"{part} images"], arrays[f"{part} labels"]) for part in ("train", "test"))
        return Splits(_split(*learn, train), _split(*learn, valid), {"test": _split(*test, tested)})

    def reference_scores(self, splits: Splits) -> list[ReferenceScore]:
        train, test = splits.train, splits.tests["test"]
        rows = min(LOGISTIC_ROWS, len(train))
        model = fit_logistic(_flat(train)[:rows], train.targets[:rows])
        accuracy = float(model.score(_flat(test), test.targets))
        return [
            majority_score(train.targets, test.targets),
            ReferenceScore("", "logistic regression", accuracy, summary=f"On the pixels of {rows} training images."),
        ]


def _split(images: np.ndarray, labels: np.ndarray, rows: np.ndarray) -> Split:
    pixels = images[rows].astype(np.float32)[:, None] / 127.5 - 1.0
    return Split({"pixels": pixels}, labels[rows].astype(np.int64))


def _flat(split: Split) -> np.ndarray:
    return split.inputs["pixels"].reshape(len(split), -1)
