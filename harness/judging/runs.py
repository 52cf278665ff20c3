"""The runs of one variant in one column, and what varies in them: test rows and seeds."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np


@dataclass(frozen=True, eq=False)
class Runs:
    """The scores of one variant in one column, one per seed.

    Attributes
    ----------
    scores
        (seeds,) scores over all test rows.
    rows
        (seeds, kept) scores per row or cluster of rows (`archarena.harness.records.row_scores`); None if a record has
        none.
    count
        Number of rows, or clusters, of the test set; `rows` may be a sample of them.
    is_share
        Whether the score of a row is between 0 and 1, so that rows without any error still leave a doubt.
    test_set
        Rows are paired with those of variants with the same test set.
    """

    scores: np.ndarray
    rows: np.ndarray | None
    count: int
    is_share: bool
    test_set: str = ""

    @classmethod
    def of(
        cls,
        scores: Sequence[float],
        rows: Sequence[np.ndarray | None],
        count: int,
        *,
        is_share: bool,
        test_set: str = "",
    ) -> Runs:
        """Return the runs of seeds with these scores; rows are used if every seed has them in equal number."""
        known = [found for found in rows if found is not None and len(found) > 1]
        same = len(known) == len(scores) and len({len(found) for found in known}) == 1
        return cls(np.array(scores, float), np.stack(known).astype(float) if same else None, count, is_share, test_set)

    @property
    def seeds(self) -> int:
        return len(self.scores)

    @cached_property
    def mean(self) -> float:
        return math.fsum(self.scores) / self.seeds

    @cached_property
    def by_row(self) -> np.ndarray | None:
        """Return (kept,) scores per row as means over seeds, without those of earlier records."""
        return None if self.rows is None else self.rows.mean(0)

    @cached_property
    def row_variance(self) -> float | None:
        """Return the variance of the mean that comes from the choice of test rows; None if unknown."""
        if self.by_row is not None:
            return spread_over_rows(self.by_row, self.count, is_share=self.is_share)
        if self.is_share:
            mean = min(max(self.mean, 0.0), 1.0)
            return (mean * (1 - mean) * self.count + FLOOR) / (self.count + 2) ** 2
        return None

    @cached_property
    def seed_variance(self) -> float | None:
        """Return the variance of one seed's expected score; None for a single seed.

        The part of the spread over seeds that comes from the test rows, which `row_variance` contains, is removed.
        """
        if self.seeds < 2:
            return None
        spread = float(self.scores.var(ddof=1))
        return max(0.0, spread - self.residual) if spread > EQUAL * self.mean**2 else 0.0

    @cached_property
    def residual(self) -> float:
        """Return the variance of a seed's score that comes from what seeds and rows do not explain."""
        if self.rows is None or min(self.seeds, self.rows.shape[1]) < 2:
            return 0.0
        left = self.rows - self.rows.mean(0) - self.rows.mean(1, keepdims=True) + self.rows.mean()
        freedom = (self.seeds - 1) * (self.rows.shape[1] - 1)
        return float((left**2).sum()) / freedom / self.count


FLOOR = 2.0
"""Two more rows with an error each: for n rows without error, the 95 % interval then has the half width 2.8 / n, close
to the rule of three, and it is the adjustment of Bonett and Price (2012, doi:10.1002/sim.4375) for paired rows."""

EQUAL = 1e-24
"""Relative variance below which seeds count as equal."""


def spread_over_rows(values: np.ndarray, count: int, *, is_share: bool) -> float:
    """Return the variance of a mean over `count` rows, estimated from the values of some or all of them."""
    kept = len(values)
    squares = float(((values - values.mean()) ** 2).sum())
    if not is_share:
        return squares / (kept - 1) / count
    return (squares + FLOOR) / (kept + 2) / count
