"""State tracking: the target at each position is the state of an automaton, also tested on longer rows."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import ClassVar

import numpy as np

from ..harness import (
    IGNORE,
    Evaluation,
    PerPosition,
    ReferenceScore,
    Split,
    Splits,
    Streams,
    Task,
    TaskSpec,
    Tokens,
)
from .reference_scores import window_score
from .rows import distinct_rows, token_split

SOLVED = 0.99
"""Score from which a seed has solved a column: seeds either find the automaton or do not."""

WINDOWS = 15_000
"""Most windows of the last tokens that a reference score distinguishes."""


class StateTracking(Task):
    """Rows of random symbols whose targets are the states that they lead to.

    Early positions need little state, so one column scores only the last position, and the columns of
    longer rows score only the positions beyond the training length. The model is built for the longest
    rows, while training rows are stored at their shorter length.

    Parameters
    ----------
    length
        Tokens per training row.
    times
        Lengths of the additional test sets, as multiples of the training length.
    train, valid, test
        Number of rows, all distinct; `test` is per test set.

    Attributes
    ----------
    symbols
        Number of symbols; symbol s is token s + 1, and id 0 is padding.
    states
        Number of states, which are the classes.
    """

    symbols: int
    states: int
    evaluations: tuple[Evaluation, ...] = (Evaluation("position_accuracy", "Share of all positions correct."),)
    published_tiers: ClassVar[tuple[str, ...] | None] = ()
    shown_as = "tokens"
    plateau: ClassVar = True

    def __init__(self, length: int, times: list[float], train: int, valid: int, test: int):
        self.length = length
        self.further = {f"{factor:g}x": round(factor * length) for factor in times}
        self.train, self.valid, self.test = train, valid, test
        self.evaluations = (
            self._column(f"Share of all positions correct in rows of {length} tokens.", "", "test"),
            self._column("Share of last positions correct.", "last", "last"),
            *(
                self._column(
                    f"Share of positions {length + 1} to {longer} correct in rows of {longer} tokens.", name, name
                )
                for name, longer in self.further.items()
            ),
        )

    def draw(self, generator: np.random.Generator, length: int, n: int) -> np.ndarray:
        """Return random rows of symbols (n, length) int8."""
        return generator.integers(self.symbols, size=(n, length), dtype=np.int8)

    def states_of(self, rows: np.ndarray) -> np.ndarray:
        """Return the state after each symbol, or -100 where it is not scored, as `rows` (rows, length)."""
        raise NotImplementedError

    @property
    def spec(self) -> TaskSpec:
        longest = max(self.length, *self.further.values())
        return TaskSpec(Tokens(self.symbols + 1, longest), PerPosition(self.states), causal=True)

    def splits(self, data: Path, streams: Streams) -> Splits:
        held_out = self._rows(streams.fixed, self.length, self.valid + self.test)
        further = {name: self._rows(streams.fixed, length, self.test) for name, length in self.further.items()}
        train = self._rows(streams.train, self.length, self.train, held_out)
        test = held_out[self.valid :]
        tests = {"test": self._split(test), "last": self._split(test, first_scored=self.length - 1)}
        tests |= {name: self._split(rows, first_scored=self.length) for name, rows in further.items()}
        return Splits(self._split(train), self._split(held_out[: self.valid]), tests)

    def reference_scores(self, splits: Splits) -> list[ReferenceScore]:
        width = int(np.log(WINDOWS) / np.log(self.symbols))
        return [
            window_score(splits.train, splits.tests[evaluation.test], width, evaluation.name)
            for evaluation in self.evaluations
        ]

    def _column(self, summary: str, name: str, test: str) -> Evaluation:
        return Evaluation("position_accuracy", summary, name, test, chance=1 / self.states, ceiling=1.0, solved=SOLVED)

    def _rows(
        self, generator: np.random.Generator, length: int, n: int, exclude: np.ndarray | None = None
    ) -> np.ndarray:
        return distinct_rows(partial(self.draw, generator, length), n, exclude)

    def _split(self, rows: np.ndarray, first_scored: int = 0) -> Split:
        targets = self.states_of(rows)
        targets[:, :first_scored] = IGNORE
        return token_split(rows + np.int8(1), targets)
