"""Pathfinder and Path-X on the files released with the Long Range Arena, as used for published values."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from ..harness import (
    Evaluation,
    ReferenceScore,
    Split,
    Splits,
    Streams,
    Task,
    TaskSpec,
    UserError,
    generator,
    register_task,
)
from ..harness.contract.scan import describe
from ..harness.data.data_set import Report, silent
from ..harness.files import replacing
from .grey_images import IMAGE_BUDGETS, LARGE_IMAGE_BUDGETS, image_spec, image_split, pixel_score
from .reference_scores import majority_score

DIFFICULTY = "curv_contour_length_14"
"""The commonly used split: paths of 14 dashes."""


@dataclass(eq=False)
class PathfinderFiles:
    """Images and labels in the release's layout; implements `archarena.harness.contract.data_source.DataSource`.

    ``FOLDER/curv_contour_length_14/metadata/*.npy`` are plain text lists with one image per line:
    folder, name, number, label, and parameters. The images are stored next to ``metadata``.
    """

    name: str
    side: int
    count: int = 200_000
    license: str = "Apache-2.0"

    @property
    def summary(self) -> str:
        return f"Pathfinder, {self.side} by {self.side} pixels, as released with the Long Range Arena, Tay et al. 2021"

    def identity(self) -> dict[str, Any]:
        """Return the number of images, which pins the content; the checksum is unknown."""
        return {"count": self.count}

    def find(self, folder: Path) -> Path | None:
        home = folder / f"pathfinder{self.side}"
        return home if any((home / DIFFICULTY / "metadata").glob("*.npy")) else None

    def missing(self, folder: Path) -> str:
        home = folder / f"pathfinder{self.side}"
        return (
            f"The data set '{self.name}' ({self.summary}) is missing: {home / DIFFICULTY / 'metadata'} has no "
            f"lists. Put the release's folder {home.name} there with `archarena data import {self.name} PATH`, or "
            f"name the folder that contains {home.name} with --data DIR or ARCHARENA_DATA=DIR."
        )

    def resolve(self, folder: Path) -> Path:
        home = self.find(folder)
        if home is None:
            raise UserError(self.missing(folder))
        return home

    def fetch(self, folder: Path, report: Report = silent) -> Path:
        raise UserError(f"The data set '{self.name}' is not on the hub. {self.missing(folder)}")

    def adopt(self, place: Path, folder: Path) -> Path:
        """Check the release's folder at a path given by the user and copy it into the data folder.

        Raises
        ------
        UserError
            If the lists are missing or broken, or have the wrong number of images.
        """
        if self.find(place.parent) != place:
            raise UserError(f"{place} is not the release's folder pathfinder{self.side} with a subfolder {DIFFICULTY}.")
        self._lists(place)
        home = folder / place.name
        try:
            with replacing(home) as unfinished:
                shutil.copytree(place, unfinished)
        except OSError as error:
            raise UserError(f"Cannot write the data set '{self.name}' to {home}: {error}.") from error
        return home

    def labeled(self, folder: Path) -> tuple[list[Path], np.ndarray]:
        """Return the image files, in the order of the lists, and their labels."""
        return self._lists(self.resolve(folder))

    def _lists(self, home: Path) -> tuple[list[Path], np.ndarray]:
        lists = sorted((home / DIFFICULTY / "metadata").glob("*.npy"), key=lambda path: (len(path.name), path.name))
        try:
            lines = [line.split() for path in lists for line in path.read_text(encoding="ascii").splitlines()]
            files = [home / DIFFICULTY / _plain(line[0]) / _plain(line[1]) for line in lines]
            labels = np.array([int(line[3]) for line in lines])
        except (OSError, ValueError, IndexError) as error:
            raise UserError(f"Cannot read the lists in {home / DIFFICULTY / 'metadata'}: {describe(error)}.") from error
        if len(files) != self.count:
            raise UserError(
                f"{home} is not the data set '{self.name}': its lists have {len(files)} images, expected {self.count}."
            )
        return files, labels

    def image(self, file: Path) -> np.ndarray:
        """Return an image, (side, side) uint8."""
        from PIL import Image

        try:
            with Image.open(file) as image:
                pixels = np.asarray(image.convert("L"), np.uint8)
        except OSError as error:
            raise UserError(f"Cannot read {file} of the data set '{self.name}': {describe(error)}.") from error
        if pixels.shape != (self.side, self.side):
            raise UserError(
                f"{file} of the data set '{self.name}' has shape {pixels.shape}, expected {(self.side, self.side)}."
            )
        return pixels


def _plain(name: str) -> str:
    """Return a relative path; raise `ValueError` if it leaves its folder."""
    if name.startswith("/") or ".." in name.split("/"):
        raise ValueError(f"'{name}' is outside the data set's folder")
    return name


class _Released(Task):
    """Released images, split 8:1:1 by a fixed permutation; the splits used in papers are not published.

    Parameters
    ----------
    train, valid, test
        Number of images. The training images depend on the seed.
    side
        Side of the images in pixels, by default as released; smaller images are averaged over squares of pixels.
    """

    evaluations = (Evaluation("accuracy", "Share of images classified correctly.", chance=0.5, ceiling=1.0),)
    arguments: ClassVar = {
        "smoke": {"train": 16, "valid": 8, "test": 16},
        "quick": {"train": 2_000, "valid": 100, "test": 400},
        "standard": {"train": 40_000, "valid": 2_000, "test": 4_000},
        "full": {"train": 160_000, "valid": 20_000, "test": 20_000},
    }
    dataset: ClassVar[PathfinderFiles]
    published_tiers = ("full",)

    def __init__(self, train: int, valid: int, test: int, side: int | None = None):
        self.train, self.valid, self.test = train, valid, test
        self.side = side or self.dataset.side

    @property
    def spec(self) -> TaskSpec:
        return image_spec(self.side, 2)

    def splits(self, data: Path, streams: Streams) -> Splits:
        files, labels = self.dataset.labeled(data)
        order = generator(self.dataset.name, "split").permutation(len(files))
        train, valid, test = np.split(order, [8 * len(files) // 10, 9 * len(files) // 10])
        train = streams.train.permutation(train)[: self.train]
        return Splits(
            self._split(files, labels, train),
            self._split(files, labels, valid[: self.valid]),
            {"test": self._split(files, labels, test[: self.test])},
        )

    def reference_scores(self, splits: Splits) -> list[ReferenceScore]:
        train, test = splits.train, splits.tests["test"]
        return [majority_score(train.targets, test.targets), pixel_score(train, test)]

    def _split(self, files: list[Path], labels: np.ndarray, rows: np.ndarray) -> Split:
        images = np.empty((len(rows), self.side, self.side), np.uint8)
        for place, row in enumerate(rows.tolist()):
            images[place] = shrunk(self.dataset.image(files[row]), self.side)
        return image_split(images, labels[rows])


@register_task(
    "lra-pathfinder-release",
    summary="Pathfinder on the images released with the Long Range Arena, comparable with published values.",
    suites=("lra-release",),
    needs=("pathfinder-release",),
)
class PathfinderRelease(_Released):
    """The released images of 32 by 32 pixels."""

    budgets: ClassVar = IMAGE_BUDGETS
    dataset = PathfinderFiles("pathfinder-release", 32)
    data_sources = (dataset,)


@register_task(
    "lra-pathx-release",
    summary="Path-X on the images released with the Long Range Arena, comparable with published values.",
    suites=("lra-release",),
    needs=("pathx-release",),
)
class PathXRelease(_Released):
    """The released images of 128 by 128 pixels, downscaled on the CPU tiers."""

    arguments: ClassVar = {
        **_Released.arguments,
        "smoke": {"side": 32, "train": 16, "valid": 8, "test": 16},
        "quick": {"side": 64, "train": 1_000, "valid": 20, "test": 100},
    }
    budgets: ClassVar = LARGE_IMAGE_BUDGETS
    dataset = PathfinderFiles("pathx-release", 128)
    data_sources = (dataset,)


def shrunk(image: np.ndarray, side: int) -> np.ndarray:
    """Return a square image, (pixels, pixels) uint8, averaged over squares of pixels to (side, side)."""
    step = len(image) // side
    return image.reshape(side, step, side, step).mean(axis=(1, 3)).round().astype(np.uint8)
