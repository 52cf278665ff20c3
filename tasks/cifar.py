"""CIFAR-10 in gray as pixel sequences: the image task of the Long Range Arena."""

from __future__ import annotations

import tarfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from ..harness import DataSet, Evaluation, Hub, ReferenceScore, Split, Splits, Streams, Task, TaskSpec, register_task
from ..harness.data.data_set import hold_out
from ..harness.data.table_files import read_up_to_limit
from .grey_images import IMAGE_BUDGETS, image_spec, image_split, pixel_score
from .reference_scores import majority_score

if TYPE_CHECKING:
    import pandas as pd

SIDE, CLASSES = 32, 10
PIXELS = 3 * SIDE**2
BATCHES = {
    "train": tuple(f"data_batch_{number}.bin" for number in range(1, 6)),
    "test": ("test_batch.bin",),
}
ARCHIVE = "cifar-10-binary.tar.gz"


class Cifar10(DataSet):
    """CIFAR-10 in its binary version, compressed or not, or from the hub; pickles are not read.

    A record is one byte for the class and 3,072 for red, green and blue, each in raster order.
    """

    def belonging(self, path: Path) -> list[Path]:
        """Return all batch files, given the first one."""
        part = next((part for part, names in BATCHES.items() if path.name == names[0]), None)
        return [path.with_name(name) for name in BATCHES[part]] if part else [path]

    def table(self, path: Path, part: str) -> pd.DataFrame:
        if path.suffix == ".parquet":
            return super().table(path, part)
        if path.name == ARCHIVE:
            with tarfile.open(path) as archive:
                members = {Path(member.name).name: member for member in archive if member.isfile()}
                files = [archive.extractfile(members[name]) for name in BATCHES[part]]
                return records(b"".join(read_up_to_limit(file) for file in files if file))
        return records(b"".join(file.read_bytes() for file in self.belonging(path)))

    def hub_row(self, row: dict[str, Any]) -> dict[str, Any]:
        colors = np.asarray(row["img"].convert("RGB"), np.uint8)
        return {"label": row["label"], "img": colors.transpose(2, 0, 1).tobytes()}


def records(content: bytes) -> pd.DataFrame:
    """Return the records of CIFAR-10's binary version; raise `ValueError` if the last one is incomplete."""
    import pandas as pd

    if len(content) % (1 + PIXELS):
        raise ValueError(f"the length is not a multiple of {1 + PIXELS} bytes")
    rows = np.frombuffer(content, np.uint8).reshape(-1, 1 + PIXELS)
    return pd.DataFrame({"label": rows[:, 0].astype(np.int64), "img": [row.tobytes() for row in rows[:, 1:]]})


CIFAR10 = Cifar10(
    name="cifar10",
    summary="CIFAR-10, Krizhevsky 2009",
    license="none stated; its author asks for the citation",
    columns={"label": int, "img": bytes},
    counts={"train": 50_000, "test": 10_000},
    files={part: (ARCHIVE, names[0], f"{part}.parquet") for part, names in BATCHES.items()},
    hub=Hub("uoft-cs/cifar10"),
)

HELD_OUT = 5_000
"""Number of training images held out for validation in every tier."""


@register_task(
    "lra-image",
    summary="Classify gray photographs of 32 by 32 pixels as sequences of 1,024 values (CIFAR-10).",
    suites=("lra",),
    needs=("cifar10",),
)
class GreyImages(Task):
    """Long Range Arena's image task (Tay et al., arXiv:2011.04006, section 2.2.4), without augmentation.

    Colors are converted to gray with the weights of ITU-R 601 and scaled to -1 to 1. The split has the
    published sizes 45,000 / 5,000 / 10,000. The choice of the 5,000 validation images is our own: 500 per
    class, the same for every tier and seed.

    Parameters
    ----------
    train, valid, test
        Number of images. The training images depend on the seed.
    """

    arguments: ClassVar = {
        "smoke": {"train": 64, "valid": 20, "test": 40},
        "quick": {"train": 8_000, "valid": 200, "test": 1_000},
        "standard": {"train": 45_000, "valid": 5_000, "test": 10_000},
        "full": {"train": 45_000, "valid": 5_000, "test": 10_000},
    }
    budgets: ClassVar = IMAGE_BUDGETS
    evaluations = (Evaluation("accuracy", "Share of images classified correctly.", chance=1 / CLASSES),)
    published_tiers = ("standard", "full")
    data_sources = (CIFAR10,)
    dataset = CIFAR10

    def __init__(self, train: int, valid: int, test: int):
        self.rows = {"train": train, "valid": valid, "test": test}

    @property
    def spec(self) -> TaskSpec:
        return image_spec(SIDE, CLASSES)

    def splits(self, data: Path, streams: Streams) -> Splits:
        learn, test = self.dataset.read(data, "train"), self.dataset.read(data, "test")
        train, valid = hold_out(learn["label"].to_numpy(), HELD_OUT, "lra-image")
        train = streams.train.permutation(train)[: self.rows["train"]]
        valid = streams.fixed.permutation(valid)[: self.rows["valid"]]
        tested = streams.fixed.permutation(len(test))[: self.rows["test"]]
        return Splits(_split(learn, train), _split(learn, valid), {"test": _split(test, tested)})

    def reference_scores(self, splits: Splits) -> list[ReferenceScore]:
        train, test = splits.train, splits.tests["test"]
        return [majority_score(train.targets, test.targets), pixel_score(train, test)]


def _split(table, rows: np.ndarray) -> Split:
    chosen = table.iloc[rows]
    colors = np.frombuffer(b"".join(chosen["img"]), np.uint8).reshape(-1, 3, SIDE, SIDE)
    return image_split(grey(colors), chosen["label"].to_numpy())


def grey(colors: np.ndarray) -> np.ndarray:
    """Convert color images (rows, 3, height, width) uint8 to gray with the weights of ITU-R 601."""
    weights = np.array([299, 587, 114], np.uint32)
    return ((np.einsum("nchw,c->nhw", colors, weights, dtype=np.uint32) + 500) // 1000).astype(np.uint8)
