"""ListOps on the files released with the Long Range Arena, as used for published values."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

import numpy as np

from ..harness import Budget, DataSet, Split, Splits, Streams, register_task
from .listops import ListOps
from .listops_trees import VOCABULARY

LISTOPS = DataSet(
    name="listops-release",
    summary="ListOps as released with the Long Range Arena, Tay et al. 2021",
    license="Apache-2.0",
    columns={"Source": str, "Target": int},
    counts={"train": 96_000, "valid": 2_000, "test": 2_000},
    files={"train": ("basic_train.tsv",), "valid": ("basic_val.tsv",), "test": ("basic_test.tsv",)},
    folder="listops-1000",
)


@register_task(
    "lra-listops-release",
    summary="ListOps on the files released with the Long Range Arena, comparable with published values.",
    suites=("lra-release",),
    needs=("listops-release",),
)
class ListOpsRelease(ListOps):
    """The released trees and split, without the redundant parentheses.

    Parameters
    ----------
    train, valid, test
        Number of rows. The training rows depend on the seed.
    """

    arguments: ClassVar = {
        "smoke": {"train": 32, "valid": 8, "test": 16},
        "quick": {"train": 4_000, "valid": 50, "test": 200},
        "standard": {"train": 96_000, "valid": 1_000, "test": 2_000},
        "full": {"train": 96_000, "valid": 2_000, "test": 2_000},
    }
    budgets: ClassVar = {
        "smoke": Budget(steps=2, batch=2),
        "quick": Budget(steps=20, batch=8),
        "standard": Budget(steps=5_000, batch=32),
        "full": Budget(steps=30_000, batch=32),
    }
    published_tiers = ("standard", "full")
    data_sources = (LISTOPS,)
    dataset = LISTOPS

    def __init__(self, train: int, valid: int, test: int):
        super().__init__(longer_than=500, shorter_than=2_000, train=train, valid=valid, test=test)

    def splits(self, data: Path, streams: Streams) -> Splits:
        sizes = {"train": (streams.train, self.train), "valid": (streams.fixed, self.valid)}
        parts = {}
        for part, (stream, count) in {**sizes, "test": (streams.fixed, self.test)}.items():
            table = self.dataset.read(data, part)
            parts[part] = self._split(table.iloc[stream.permutation(len(table))[:count]])
        return Splits(parts["train"], parts["valid"], {"test": parts["test"]})

    def _split(self, table) -> Split:
        tokens = np.zeros((len(table), self.shorter_than - 1), np.uint8)
        lengths = np.zeros(len(table), np.int32)
        for row, source in enumerate(table["Source"]):
            ids = tree_ids(source)
            tokens[row, : len(ids)], lengths[row] = ids, len(ids)
        return Split({"tokens": tokens, "lengths": lengths}, table["Target"].to_numpy(np.int64))


_IDS = {word: index for index, word in enumerate(VOCABULARY)}


def tree_ids(source: str) -> list[int]:
    """Return the token ids of a tree in the release's notation, such as ``( ( [MAX 3 ) 4 ) ]``."""
    return [_IDS[word] for word in source.split() if word not in "()"]
