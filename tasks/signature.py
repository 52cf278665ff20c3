"""Regression of path signatures (Cirone et al. 2024, arXiv:2402.19047, section 5)."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

import numpy as np

from ..harness import (
    Budget,
    Evaluation,
    ReferenceScore,
    Regression,
    Series,
    Split,
    Splits,
    Streams,
    Task,
    TaskSpec,
    register_task,
)
from .rows import distinct_parts


class _Signature(Task):
    """A row is a random walk and its target an iterated integral of it, as in the paper's code.

    Steps are normal numbers rounded to integers. The integral is that of the piecewise linear path
    through the points, so it does not depend on the first step. Points and targets are divided by the
    largest absolute value over the held-out rows and `train` extra rows. The paper takes the largest
    of all its rows; the extra rows are drawn like the training rows, but do not depend on the seed.

    Parameters
    ----------
    points
        Number of points per path.
    train, valid, test
        Number of paths.
    """

    channels: ClassVar[int]
    arguments: ClassVar = {
        "smoke": {"points": 16, "train": 256, "valid": 64, "test": 128},
        "quick": {"points": 50, "train": 10_000, "valid": 250, "test": 1_000},
        "standard": {"points": 100, "train": 80_000, "valid": 1_000, "test": 20_000},
        "full": {"points": 100, "train": 80_000, "valid": 1_000, "test": 20_000},
    }
    budgets: ClassVar = {
        "smoke": Budget(steps=20, batch=16),
        "quick": Budget(steps=400, batch=32),
        "standard": Budget(steps=20_000, batch=64),
        "full": Budget(steps=1_000_000, batch=32),
    }
    evaluations = (Evaluation("rmse", "Root mean squared error of the scaled integral.", ceiling=0.0),)
    published_tiers = ("standard", "full")

    def __init__(self, points: int, train: int, valid: int, test: int):
        self.points = points
        self.train, self.valid, self.test = train, valid, test

    @property
    def spec(self) -> TaskSpec:
        return TaskSpec(Series(self.channels, self.points), Regression(1))

    def target(self, paths: np.ndarray) -> np.ndarray:
        """Return the integral of each path; (rows, points, channels) to (rows,)."""
        raise NotImplementedError

    def splits(self, data: Path, streams: Streams) -> Splits:
        parts = distinct_parts(self._draw, streams, self.train, self.valid, self.test)
        scale = self._scale(np.concatenate([*parts[1:], self._draw(streams.fixed, self.train)]))
        train, valid, test = (self._split(self._walks(steps), *scale) for steps in parts)
        return Splits(train, valid, {"test": test})

    def reference_scores(self, splits: Splits) -> list[ReferenceScore]:
        train, test = splits.train, splits.tests["test"]
        fit = np.linalg.lstsq(_end_points(train), train.targets[:, 0].astype(np.float64), rcond=None)[0]
        return [
            ReferenceScore("", "zero", _rmse(0.0, test), summary="Always 0."),
            ReferenceScore(
                "", "end points", _rmse(_end_points(test) @ fit, test), summary="Least squares on monomials."
            ),
        ]

    def _draw(self, generator: np.random.Generator, n: int) -> np.ndarray:
        """Return the steps of paths, (n, points * channels)."""
        return np.round(generator.standard_normal((n, self.points * self.channels))).astype(np.int8)

    def _scale(self, steps: np.ndarray) -> tuple[float, float]:
        """Return the largest absolute values of the points and of the targets."""
        walks = self._walks(steps)
        return float(np.abs(walks).max()), float(np.abs(self.target(walks)).max())

    def _split(self, walks: np.ndarray, largest_point: float, largest_target: float) -> Split:
        values = (walks / largest_point).astype(np.float32)
        return Split({"values": values}, (self.target(walks) / largest_target).astype(np.float32)[:, None])

    def _walks(self, steps: np.ndarray) -> np.ndarray:
        return steps.reshape(-1, self.points, self.channels).cumsum(axis=1, dtype=np.int16)


@register_task(
    "recall-signature-area",
    summary="The iterated integral over both coordinates of a random walk in the plane.",
    suites=("recall",),
)
class SignatureArea(_Signature):
    """S12, the integral of (x1 - x1(0)) dx2: the Levy area plus half the product of the displacements."""

    channels = 2

    def target(self, paths: np.ndarray) -> np.ndarray:
        return signature(paths)[1][:, 0, 1]


@register_task(
    "recall-signature-volume",
    summary="The iterated integral over all three coordinates of a random walk in space.",
    suites=("recall",),
)
class SignatureVolume(_Signature):
    """S123, the integral of S12 dx3."""

    channels = 3

    def target(self, paths: np.ndarray) -> np.ndarray:
        return signature(paths)[2][:, 0, 1, 2]


def signature(paths: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the signature up to level 3 of piecewise linear paths, by Chen's identity.

    Parameters
    ----------
    paths
        (rows, points, channels).

    Returns
    -------
    tuple
        (rows, channels), (rows, channels, channels) and (rows, channels, channels, channels).
    """
    rows, _, channels = paths.shape
    first, second, third = (np.zeros((rows, *(channels,) * level)) for level in (1, 2, 3))
    for step in np.diff(paths, axis=1).astype(np.float64).swapaxes(0, 1):
        square = step[:, :, None] * step[:, None, :] / 2
        third += second[..., None] * step[:, None, None, :]
        third += first[:, :, None, None] * square[:, None] + square[..., None] * step[:, None, None, :] / 3
        second += first[:, :, None] * step[:, None, :] + square
        first += step
    return first, second, third


def _end_points(split: Split) -> np.ndarray:
    """Return 1, the displacements, their pairwise products, and the product of all, for each row."""
    moved = (split.inputs["values"][:, -1] - split.inputs["values"][:, 0]).astype(np.float64)
    pairs = moved[:, :, None] * moved[:, None, :]
    upper = pairs[:, *np.triu_indices(moved.shape[1])]
    return np.concatenate([np.ones((len(moved), 1)), moved, upper, moved.prod(axis=1, keepdims=True)], axis=1)


def _rmse(predicted: np.ndarray | float, split: Split) -> float:
    return float(np.sqrt(np.mean((predicted - split.targets[:, 0]) ** 2)))
