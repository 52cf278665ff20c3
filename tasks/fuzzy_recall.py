"""In-context recall of keys and values of several tokens (Poli et al. 2024, arXiv:2403.17844)."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import ClassVar

import numpy as np

from ..harness import (
    IGNORE,
    Budget,
    Evaluation,
    PerPosition,
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
from .mqar import subsets
from .recall_baselines import seen_value_scores
from .rows import distinct_rows, token_split

CHUNK = 4_000
"""Rows per draw; bounds memory."""


@register_task(
    "recall-fuzzy",
    summary="Keys and values of several tokens: name the value of every repeated key (fuzzy recall of MAD-Lab).",
    suites=("recall", "quick"),
)
class FuzzyRecall(Task):
    """A row is fillers, then pairs of a key and its value, each of a random number of different tokens.

    A value belongs to its key throughout a row. The last key occurs before in the row. Key tokens have
    ids 1 to `keys`, value tokens the next `values` ids, and the filler, which brings all rows to the same
    length, has the largest id. As published, training rows score every next token; validation and test
    rows have keys of the largest size only, and score the values of keys that occur before. The published
    tiers have the baseline setting of MAD. There, the last key is drawn first and inserted; here it is one
    of the row's keys, so none is missing.

    Parameters
    ----------
    keys, values
        Number of tokens that keys and values consist of.
    key_size, value_size
        Largest number of tokens per key and per value.
    length
        Tokens per row without the last one.
    train, valid, test
        Number of rows.

    Raises
    ------
    UserError
        If two pairs of the largest size do not fit into a row.
    """

    arguments: ClassVar = {
        "smoke": {
            "keys": 4, "values": 4, "key_size": 2, "value_size": 2, "length": 16,
            "train": 256, "valid": 64, "test": 128,
        },
        "quick": {
            "keys": 7, "values": 8, "key_size": 2, "value_size": 2, "length": 32,
            "train": 20_000, "valid": 250, "test": 1_000,
        },
        "standard": {
            "keys": 7, "values": 8, "key_size": 3, "value_size": 3, "length": 128,
            "train": 12_800, "valid": 1_280, "test": 1_280,
        },
    }  # fmt: skip
    arguments["full"] = arguments["standard"]
    budgets: ClassVar = {
        "smoke": Budget(steps=20, batch=16),
        "quick": Budget(steps=1_000, batch=32),
        "standard": Budget(steps=5_000, batch=128),
        "full": Budget(steps=20_000, batch=128),
    }
    evaluations = (
        Evaluation("position_accuracy", "Share of the value tokens of repeated keys that are correct.", ceiling=1.0),
    )
    published_tiers = ("standard", "full")
    shown_as = "tokens"
    plateau = True

    def __init__(
        self, keys: int, values: int, key_size: int, value_size: int, length: int, train: int, valid: int, test: int
    ):
        if length < 2 * (key_size + value_size):
            raise UserError(
                f"Two pairs of up to {key_size + value_size} tokens need a length of {2 * (key_size + value_size)}; "
                f"found {length}."
            )
        self.keys, self.values, self.key_size, self.value_size = keys, values, key_size, value_size
        self.length = length
        self.train, self.valid, self.test = train, valid, test
        self.filler = 1 + keys + values

    @property
    def spec(self) -> TaskSpec:
        return TaskSpec(Tokens(self.filler + 1, self.length), PerPosition(self.filler + 1), causal=True)

    def splits(self, data: Path, streams: Streams) -> Splits:
        held_out = distinct_rows(partial(self._draw, streams.fixed, shortest_key=self.key_size), self.valid + self.test)
        train = distinct_rows(partial(self._draw, streams.train), self.train, held_out)
        valid, test = held_out[: self.valid], held_out[self.valid :]
        return Splits(self._split(train, every_token=True), self._split(valid), {"test": self._split(test)})

    def reference_scores(self, splits: Splits) -> list[ReferenceScore]:
        return seen_value_scores(splits.tests["test"], first=1 + self.keys, values=self.values)

    def _draw(self, generator: np.random.Generator, n: int, shortest_key: int = 1) -> np.ndarray:
        """Return (n, 2 * (length + 1)): tokens, then 1 where a token belongs to the value of a repeated key."""
        sizes = [min(CHUNK, n - start) for start in range(0, n, CHUNK)]
        return np.concatenate([self._draw_chunk(generator, size, shortest_key) for size in sizes])

    def _draw_chunk(self, generator: np.random.Generator, n: int, shortest_key: int) -> np.ndarray:
        pairs = self.length // (shortest_key + 1)
        keys = _motifs(generator, (n, pairs), self.keys, shortest_key, self.key_size)
        values = _motifs(generator, (n, pairs), self.values, 1, self.value_size)
        values[values > 0] += self.keys
        code = keys @ (1 + self.keys) ** np.arange(self.key_size)
        first = (code[:, :, None] == code[:, None, :]).argmax(axis=2)
        values = np.take_along_axis(values, first[..., None], axis=1)

        ends = ((keys > 0).sum(2) + (values > 0).sum(2)).cumsum(1)
        fits = ends <= self.length + 1 - self.key_size - self.value_size
        last = (generator.random(n) * fits.sum(1)).astype(np.int64)[:, None]
        chosen = np.concatenate([np.where(fits, np.arange(pairs), pairs), last], axis=1)
        repeated = np.concatenate([first < np.arange(pairs), np.ones((n, 1), bool)], axis=1)
        motifs = np.pad(np.concatenate([keys, values], axis=2), ((0, 0), (0, 1), (0, 0)))
        tokens = np.take_along_axis(motifs, chosen[..., None], axis=1)
        scored = (tokens > self.keys) & repeated[..., None]

        tokens, scored = tokens.reshape(n, -1), scored.reshape(n, -1)
        order = (tokens > 0).argsort(axis=1, kind="stable")[:, -self.length - 1 :]
        tokens, scored = np.take_along_axis(tokens, order, axis=1), np.take_along_axis(scored, order, axis=1)
        tokens = np.where(tokens > 0, tokens, self.filler)
        return np.concatenate([tokens, scored], axis=1).astype(np.min_scalar_type(-max(self.filler, 100)))

    def _split(self, rows: np.ndarray, *, every_token: bool = False) -> Split:
        tokens, scored = np.split(rows, 2, axis=1)
        scored = tokens != self.filler if every_token else scored > 0
        return token_split(tokens[:, :-1], np.where(scored, tokens, IGNORE)[:, 1:].astype(rows.dtype))


def _motifs(
    generator: np.random.Generator, shape: tuple[int, int], symbols: int, shortest: int, longest: int
) -> np.ndarray:
    """Return (*shape, longest) different numbers from 1 to `symbols`, followed by zeros after a random size."""
    motifs = 1 + subsets(generator, shape[0] * shape[1], symbols, longest).reshape(*shape, longest)
    sizes = generator.integers(shortest, longest + 1, size=(*shape, 1))
    return np.where(np.arange(longest) < sizes, motifs, 0)
