"""Citation between two papers, as bytes: the retrieval task of the Long Range Arena."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from ..harness import (
    Budget,
    Classes,
    DataSet,
    Evaluation,
    Pair,
    ReferenceScore,
    Split,
    Splits,
    Streams,
    Task,
    TaskSpec,
    Tokens,
    register_task,
)
from ..harness.data.table_files import typed
from .byte_rows import byte_rows
from .reference_scores import fit_logistic, majority_score

if TYPE_CHECKING:
    import pandas as pd

FIELDS = ("label", "id1", "id2", "text1", "text2")


class CitationPairs(DataSet):
    """The release's files: five tab-separated fields, no header, labels such as ``1.0``."""

    def table(self, path: Path, part: str) -> pd.DataFrame:
        if path.suffix != ".tsv":
            return super().table(path, part)
        import pandas as pd

        table = pd.read_csv(path, sep="\t", header=None, names=FIELDS, dtype=str, keep_default_na=False)
        return typed(table.assign(label=table["label"].astype(float)), self.columns)


AAN = CitationPairs(
    name="aan",
    summary="pairs of papers of the ACL Anthology Network, Radev et al. 2013, as released with the Long Range Arena",
    license="none stated; do not redistribute the release",
    columns={"label": int, "text1": str, "text2": str},
    counts={"train": 147_086, "valid": 18_090, "test": 17_437},
    files={
        "train": ("new_aan_pairs.train.tsv", "train.parquet"),
        "valid": ("new_aan_pairs.eval.tsv", "valid.parquet"),
        "test": ("new_aan_pairs.test.tsv", "test.parquet"),
    },
)


@register_task(
    "lra-retrieval",
    summary="Whether one of two papers cites the other, from the bytes of both texts (AAN).",
    suites=("lra",),
    needs=("aan",),
)
class CitedPairs(Task):
    """Long Range Arena's retrieval task (Tay et al., arXiv:2011.04006, section 2.2.3).

    Both texts go through the same model, and a head shared by all models combines their mean outputs
    (`archarena.harness.assembly.heads.PairHead`). Texts are cut after `length` bytes. The split is
    that of the release.

    Parameters
    ----------
    length
        Maximum number of bytes per text.
    train, valid, test
        Number of pairs. The training pairs depend on the seed.
    """

    arguments: ClassVar = {
        "smoke": {"length": 128, "train": 64, "valid": 32, "test": 64},
        "quick": {"length": 256, "train": 4_000, "valid": 200, "test": 1_000},
        "standard": {"length": 2_000, "train": 40_000, "valid": 2_000, "test": 17_437},
        "full": {"length": 4_000, "train": 147_086, "valid": 18_090, "test": 17_437},
    }
    budgets: ClassVar = {
        "smoke": Budget(steps=4, batch=8),
        "quick": Budget(steps=60, batch=8),
        "standard": Budget(steps=3_000, batch=32),
        "full": Budget(steps=50_000, batch=32),
    }
    evaluations = (Evaluation("accuracy", "Share of pairs classified correctly.", chance=0.5),)
    data_sources = (AAN,)
    dataset = AAN
    published_tiers = ("full",)

    def __init__(self, length: int, train: int, valid: int, test: int):
        self.length = length
        self.rows = {"train": train, "valid": valid, "test": test}

    @property
    def spec(self) -> TaskSpec:
        return TaskSpec(Pair(Tokens(vocab_size=257, length=self.length)), Classes(2))

    def splits(self, data: Path, streams: Streams) -> Splits:
        parts = {}
        for part, stream in (("train", streams.train), ("valid", streams.fixed), ("test", streams.fixed)):
            table = self.dataset.read(data, part)
            parts[part] = self._split(table.iloc[stream.permutation(len(table))[: self.rows[part]]])
        return Splits(parts["train"], parts["valid"], {"test": parts["test"]})

    def reference_scores(self, splits: Splits) -> list[ReferenceScore]:
        train, test = splits.train, splits.tests["test"]
        model = fit_logistic(_overlap(train), train.targets)
        value = float(model.score(_overlap(test), test.targets))
        return [
            majority_score(train.targets, test.targets),
            ReferenceScore("", "shared words", value, summary="Logistic regression on the shares of common words."),
        ]

    def _split(self, table) -> Split:
        tokens = np.zeros((len(table), 2, self.length), np.int16)
        lengths = np.ones((len(table), 2), np.int64)
        for side, column in enumerate(("text1", "text2")):
            texts = [text.encode() for text in table[column]]
            for start in range(0, len(texts), 1_000):
                rows = slice(start, start + 1_000)
                tokens[rows, side], lengths[rows, side] = byte_rows(texts[rows], self.length)
        return Split({"tokens": tokens, "lengths": lengths}, table["label"].to_numpy(np.int64))


def _overlap(split: Split) -> np.ndarray:
    """Return, for each pair, the share of the first text's words in the second and vice versa, (rows, 2)."""
    shares = []
    for tokens, lengths in zip(split.inputs["tokens"], split.inputs["lengths"], strict=True):
        one, other = (
            set((side[:length] - 1).astype(np.uint8).tobytes().split())
            for side, length in zip(tokens, lengths, strict=True)
        )
        shared = len(one & other)
        shares.append((shared / max(1, len(one)), shared / max(1, len(other))))
    return np.array(shares)
