"""Pathfinder and Path-X of the Long Range Arena (Tay et al. 2021, arXiv:2011.04006; Linsley et al. 2018)."""

from __future__ import annotations

from dataclasses import asdict, replace
from pathlib import Path
from typing import ClassVar

import numpy as np

from ..harness.contract.evaluation import Evaluation, ReferenceScore
from ..harness.contract.registry import register_task
from ..harness.contract.spec import TaskSpec
from ..harness.contract.task import Budget, Splits, Streams, Task
from .generated import Arrays, generated
from .grey_images import image_spec, image_split, pixel_level
from .levels import majority_level
from .pathfinder_images import draw_images
from .pathfinder_shapes import PATH_X, PATHFINDER, SMALL_PATH_X, Scene


class _Drawn(Task):
    """Images drawn by code: are both circles ends of the same dashed path? Half of each split's are.

    Parameters
    ----------
    train, valid, test
        Images. Those of the published size are as many as in the released files, of which these
        are no copy: compare models with each other here, and published numbers with care.
    """

    evaluations = (Evaluation("accuracy", "Share of images answered right.", chance=0.5, ceiling=1.0),)

    def __init__(self, train: int, valid: int, test: int):
        self.train, self.valid, self.test = train, valid, test

    def scenes(self) -> tuple[Scene, ...]:
        """Return the scenes, each of which gives an equal share of the images."""
        raise NotImplementedError

    @property
    def spec(self) -> TaskSpec:
        """Grey values row by row in, one of two classes out."""
        return image_spec(self.scenes()[0].side, 2)

    def splits(self, data: Path, streams: Streams) -> Splits:
        """Return the arrays (see `Task.splits`), drawn once and kept."""
        sizes = {"train": self.train, "valid": self.valid, "test": self.test}
        scenes = [asdict(scene) for scene in self.scenes()]
        drawn = generated(
            "pathfinder",
            self.version,
            {"sizes": sizes, "scenes": scenes},
            (streams.fixed, streams.train),
            self._draw_all,
        )
        train, valid, test = (image_split(drawn[part], drawn[f"{part}-labels"]) for part in sizes)
        return Splits(train, valid, {"test": test})

    def reference_scores(self, splits: Splits) -> list[ReferenceScore]:
        """Return what the majority class and single pixels reach."""
        train, test = splits.train, splits.tests["test"]
        return [majority_level(train.targets, test.targets), pixel_level(train, test)]

    def _draw_all(self, fixed: np.random.Generator, train: np.random.Generator) -> Arrays:
        arrays: Arrays = {}
        for part, stream, count in (
            ("valid", fixed, self.valid),
            ("test", fixed, self.test),
            ("train", train, self.train),
        ):
            arrays[f"{part}-labels"] = stream.permutation(count) % 2
            arrays[part] = self._draw(stream, arrays[f"{part}-labels"])
        return arrays

    def _draw(self, stream: np.random.Generator, labels: np.ndarray) -> np.ndarray:
        side = self.scenes()[0].side
        images = np.empty((len(labels), side, side), np.uint8)
        order = stream.permutation(len(labels))
        for rows, scene in zip(np.array_split(order, len(self.scenes())), self.scenes(), strict=True):
            images[rows] = draw_images(stream, labels[rows], scene)
        return images


class _Pathfinder(_Drawn):
    arguments: ClassVar = {
        "smoke": {"train": 48, "valid": 16, "test": 32},
        "quick": {"train": 2_000, "valid": 200, "test": 800},
        "standard": {"train": 40_000, "valid": 2_000, "test": 4_000},
        "full": {"train": 160_000, "valid": 20_000, "test": 20_000},
    }
    budgets: ClassVar = {
        "smoke": Budget(steps=3, batch=4),
        "quick": Budget(steps=40, batch=8),
        "standard": Budget(steps=5_000, batch=64),
        "full": Budget(steps=100_000, batch=64),
    }


@register_task(
    "lra-pathfinder",
    summary="Are two circles ends of the same dashed path? Drawn images of 32 by 32 pixels, all paths equally bright.",
    suites=("lra",),
)
class Pathfinder(_Pathfinder):
    """Pathfinder at 32 pixels, the hard split (paths of 14 dashes), with equal contrast."""

    def scenes(self) -> tuple[Scene, ...]:
        """Return the one scene."""
        return (PATHFINDER,)


@register_task(
    "lra-pathfinder-contrast",
    summary="Pathfinder with the contrasts of the published generator, which draws the two long paths fainter.",
)
class PathfinderContrast(_Pathfinder):
    """Pathfinder at 32 pixels with the published contrasts, by which distractors can be told apart."""

    def scenes(self) -> tuple[Scene, ...]:
        """Return the one scene."""
        return (replace(PATHFINDER, target_contrast=1.5),)


@register_task(
    "lra-pathx",
    summary="Are two circles ends of the same dashed path? Drawn images of 128 by 128 pixels, 16,384 steps.",
    suites=("lra",),
)
class PathX(_Drawn):
    """Path-X: Pathfinder at 128 pixels.

    Parameters
    ----------
    side
        128 or 64; smaller images have shorter dashes to match.
    train, valid, test
        Images.
    """

    arguments: ClassVar = {
        "smoke": {"side": 64, "train": 16, "valid": 4, "test": 8},
        "quick": {"side": 64, "train": 1_000, "valid": 20, "test": 100},
        "standard": {"side": 128, "train": 10_000, "valid": 500, "test": 1_000},
        "full": {"side": 128, "train": 160_000, "valid": 20_000, "test": 20_000},
    }
    budgets: ClassVar = {
        "smoke": Budget(steps=2, batch=2),
        "quick": Budget(steps=10, batch=4),
        "standard": Budget(steps=2_000, batch=16),
        "full": Budget(steps=100_000, batch=16),
    }

    def __init__(self, side: int, train: int, valid: int, test: int):
        super().__init__(train, valid, test)
        self.side = side

    def scenes(self) -> tuple[Scene, ...]:
        """Return the scenes of that size."""
        return {scenes[0].side: scenes for scenes in (PATH_X, SMALL_PATH_X)}[self.side]
