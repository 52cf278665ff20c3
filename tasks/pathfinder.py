"""Pathfinder and Path-X of the Long Range Arena (Tay et al. 2021, arXiv:2011.04006; Linsley et al. 2018)."""

from __future__ import annotations

from dataclasses import asdict, replace
from pathlib import Path
from typing import ClassVar

import numpy as np

from ..harness import Evaluation, ReferenceScore, Splits, Streams, Task, TaskSpec, register_task
from .generated import Arrays, generated
from .grey_images import IMAGE_BUDGETS, LARGE_IMAGE_BUDGETS, image_spec, image_split, pixel_score
from .pathfinder_images import draw_images
from .pathfinder_shapes import PATH_X, PATHFINDER, SMALL_PATH_X, Scene
from .reference_scores import majority_score


class _Drawn(Task):
    """Generated images: are both circles ends of the same dashed path? True for half of each split.

    The images are not those of the release, so compare scores with published values only with care.

    Parameters
    ----------
    train, valid, test
        Number of images; in the published tiers, as many as in the release.
    """

    evaluations = (Evaluation("accuracy", "Share of images classified correctly.", chance=0.5, ceiling=1.0),)
    published_tiers = ("full",)
    shown_as = "pixels"
    version = 2

    def __init__(self, train: int, valid: int, test: int):
        self.train, self.valid, self.test = train, valid, test

    def scenes(self) -> tuple[Scene, ...]:
        """Return the scenes; each gives an equal share of the images."""
        raise NotImplementedError

    @property
    def spec(self) -> TaskSpec:
        return image_spec(self.scenes()[0].side, 2)

    def splits(self, data: Path, streams: Streams) -> Splits:
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
        train, test = splits.train, splits.tests["test"]
        return [majority_score(train.targets, test.targets), pixel_score(train, test)]

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
    budgets: ClassVar = IMAGE_BUDGETS


@register_task(
    "lra-pathfinder",
    summary="Are two circles ends of the same dashed path? Generated images of 32 by 32 pixels, equal contrast.",
    suites=("lra",),
)
class Pathfinder(_Pathfinder):
    """Pathfinder at 32 pixels, the hard split (paths of 14 dashes), with equal contrast."""

    def scenes(self) -> tuple[Scene, ...]:
        return (PATHFINDER,)


@register_task(
    "lra-pathfinder-contrast",
    summary="Pathfinder with the contrasts of the published generator, which draws the two long paths fainter.",
)
class PathfinderContrast(_Pathfinder):
    """Pathfinder at 32 pixels with the published contrasts, which distinguish distractors from long paths."""

    def scenes(self) -> tuple[Scene, ...]:
        return (replace(PATHFINDER, target_contrast=1.5),)


@register_task(
    "lra-pathx",
    summary="Are two circles ends of the same dashed path? Generated images of 128 by 128 pixels, 16,384 positions.",
    suites=("lra",),
)
class PathX(_Drawn):
    """Path-X: Pathfinder at 128 pixels.

    Parameters
    ----------
    side
        128 or 64; smaller images have proportionally shorter dashes.
    train, valid, test
        Number of images.
    """

    arguments: ClassVar = {
        "smoke": {"side": 64, "train": 16, "valid": 4, "test": 8},
        "quick": {"side": 64, "train": 1_000, "valid": 20, "test": 100},
        "standard": {"side": 128, "train": 10_000, "valid": 500, "test": 1_000},
        "full": {"side": 128, "train": 160_000, "valid": 20_000, "test": 20_000},
    }
    budgets: ClassVar = LARGE_IMAGE_BUDGETS

    def __init__(self, side: int, train: int, valid: int, test: int):
        super().__init__(train, valid, test)
        self.side = side

    def scenes(self) -> tuple[Scene, ...]:
        return {scenes[0].side: scenes for scenes in (PATH_X, SMALL_PATH_X)}[self.side]
