"""Byte language modeling on enwik8, the first 10^8 bytes of a dump of the English Wikipedia (Mahoney 2006)."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from ..harness import (
    IGNORE,
    Budget,
    Evaluation,
    Hub,
    NextToken,
    ReferenceScore,
    Split,
    Splits,
    Streams,
    Task,
    TaskSpec,
    Tokens,
    UserError,
    register_task,
)
from .byte_files import CONTENT, ByteFiles
from .reference_scores import next_byte_scores

VOCABULARY = 257


class Enwik8(ByteFiles):
    """The enwik8 file; the hub stores it as one row of text."""

    def hub_row(self, row: dict[str, Any]) -> dict[str, Any]:
        return {CONTENT: row["text"].encode()}


ENWIK8 = Enwik8(
    name="enwik8",
    summary="enwik8, the first 10^8 bytes of a Wikipedia dump, Mahoney 2006",
    license="text under the GFDL and CC BY-SA",
    checksums={"train": "2b49720ec4d78c3c9fabaee6e4179a5e997302b3a70029f30f2d582218c024a8"},
    files={"train": ("enwik8", "enwik8.zip", "train.parquet")},
    hub=Hub("LTCB/enwik8", folder="enwik8-raw", revision="refs/convert/parquet"),
)


@register_task(
    "enwik8",
    summary="Byte language model of Wikipedia (enwik8, split into 90, 5 and 5 million bytes).",
    suites=("text",),
    needs=("enwik8",),
)
class Enwik8Bytes(Task):
    """The usual split by position, with the last 5 % as the test part; token ids are byte + 1.

    A row has `context` bytes, and the next row starts `stride` bytes later. Each byte except a
    part's first is scored once, in the last `stride` positions of a row, with at least
    `context` - `stride` bytes before it (all positions of the first row are scored). Training rows do
    not overlap; their offset depends on the seed.

    Parameters
    ----------
    context, stride
        Bytes per row, and bytes scored per validation or test row.
    train, valid, test
        Number of bytes from the start of each part.

    Raises
    ------
    UserError
        If the stride is longer than the context, or a part has fewer than two bytes.
    """

    arguments: ClassVar = {
        "smoke": {"context": 64, "stride": 32, "train": 20_000, "valid": 500, "test": 1_000},
        "quick": {"context": 256, "stride": 128, "train": 10_000_000, "valid": 20_000, "test": 100_000},
        "standard": {"context": 1_024, "stride": 512, "train": 90_000_000, "valid": 500_000, "test": 5_000_000},
        "full": {"context": 4_096, "stride": 2_048, "train": 90_000_000, "valid": 5_000_000, "test": 5_000_000},
    }
    budgets: ClassVar = {
        "smoke": Budget(steps=4, batch=8),
        "quick": Budget(steps=80, batch=16),
        "standard": Budget(steps=20_000, batch=32),
        "full": Budget(steps=250_000, batch=16),
    }
    evaluations = (Evaluation("bits_per_byte", "Mean bits per byte over the test part."),)
    published_tiers = ("standard", "full")
    data_sources = (ENWIK8,)
    dataset = ENWIK8

    def __init__(self, context: int, stride: int, train: int, valid: int, test: int):
        if not 0 < stride <= context:
            raise UserError(f"The stride must be between 1 and the context, {context}; found {stride}.")
        if min(train, valid, test) < 2:
            raise UserError(f"Each part must have at least 2 bytes; found {train}, {valid} and {test}.")
        self.context, self.stride = context, stride
        self.bytes = {"train": train, "valid": valid, "test": test}

    @property
    def spec(self) -> TaskSpec:
        return TaskSpec(Tokens(VOCABULARY, self.context), NextToken(VOCABULARY), causal=True)

    def splits(self, data: Path, streams: Streams) -> Splits:
        content = np.frombuffer(self.dataset.content(data, "train"), np.uint8)
        tenth, twentieth = len(content) // 10, len(content) // 20
        train, valid, test = np.split(content, [9 * tenth, 9 * tenth + twentieth])
        start = int(streams.train.integers(max(1, min(self.context, self.bytes["train"] - self.context))))
        return Splits(
            windows(train[start : self.bytes["train"]], self.context, self.context),
            windows(valid[: self.bytes["valid"]], self.context, self.stride),
            {"test": windows(test[: self.bytes["test"]], self.context, self.stride)},
        )

    def reference_scores(self, splits: Splits) -> list[ReferenceScore]:
        uniform = ReferenceScore("", "uniform", 8.0, "chance", "All bytes equally likely.")
        return [uniform, *next_byte_scores("", splits.train, splits.tests["test"], VOCABULARY)]


def windows(content: np.ndarray, context: int, stride: int) -> Split:
    """Return rows of bytes with next-byte targets; all rows but the first score only the last `stride`.

    Parameters
    ----------
    content
        (bytes,) uint8. The remainder makes a last, padded row.
    """
    tokens = content.astype(np.int16) + 1
    last = len(tokens) - 1
    ends = np.unique(np.minimum(np.arange(context, max(last + stride, context + 1), stride), last))
    starts = np.maximum(ends - context, 0)
    places = starts[:, None] + np.arange(context)
    valid = places < ends[:, None]
    inputs = np.where(valid, tokens[np.minimum(places, len(tokens) - 1)], np.int16(0))
    targets = np.where(valid, tokens[np.minimum(places + 1, len(tokens) - 1)], np.int16(IGNORE))
    scored_from = np.concatenate([[0], ends[:-1]])
    targets[places < scored_from[:, None]] = IGNORE
    return Split({"tokens": inputs, "lengths": valid.sum(axis=1)}, targets)
