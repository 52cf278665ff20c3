"""Comparisons of the rows of one column, as pages and the table show them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy import stats

from ...harness.judging.column import Column
from ...harness.judging.exact import CONFIDENCE, share_interval
from ...harness.judging.verdicts import Standing, Verdict, Verdicts, words

__all__ = ["CONFIDENCE", "Comparisons", "Difference", "Estimate", "Standing", "Verdict", "t_quantile"]


@dataclass(frozen=True)
class Estimate:
    """Mean over `n` seeds and half the width of its 95 % interval over rows and seeds.

    For a single seed the interval is that over rows only: of this trained model. None if it is unknown.
    """

    mean: float
    half_width: float | None
    n: int


@dataclass(frozen=True)
class Difference:
    """The difference of two rows of a column.

    Attributes
    ----------
    half_width
        Half the width of the 95 % interval over rows and seeds; None without two seeds of both.
    p_value
        Over rows and seeds, otherwise over rows only; without correction. None if unknown.
    needed
        About how many more seeds of both would decide it (`archarena.harness.judging.power`); None if it is decided.
    """

    mean: float
    half_width: float | None
    p_value: float | None
    verdict: Verdict
    needed: int | None

    @property
    def text(self) -> str:
        """Return the verdict in words, with what would decide it."""
        return words(self.verdict, self.needed)


@dataclass(frozen=True, eq=False)
class Comparisons:
    """Pairwise comparisons of all rows of one column."""

    column: Column

    @property
    def names(self) -> tuple[str, ...]:
        return self.column.names

    @cached_property
    def _verdicts(self) -> Verdicts:
        return Verdicts(self.column)

    def verdicts(self, reference: int) -> Sequence[Verdict]:
        """Return the verdict on each row against row number `reference`, with Holm's correction over the column."""
        return self._verdicts.against(reference)

    def standings(self) -> dict[str, Standing]:
        """Return the standing of each row. Rows with equal best means are all best."""
        return self._verdicts.standings()

    @property
    def best(self) -> str:
        """Return the first row with the best mean."""
        return self.names[int(np.argmax(self._verdicts.best))]

    @cached_property
    def half_widths(self) -> np.ndarray:
        """Return half the width of the 95 % interval of each pair's difference; NaN if there is none."""
        return np.where(self.column.by_share, np.nan, self.column.half_widths)

    def estimate(self, name: str) -> Estimate:
        """Return the mean of a row with its interval."""
        place = self.names.index(name)
        half = _known(self.column.own_half_widths[place])
        return Estimate(float(self.column.means[place]), half, int(self.column.seeds[place]))

    def difference(self, one: str, other: str) -> Difference:
        """Return row `one` minus row `other`."""
        i, j = self.names.index(one), self.names.index(other)
        p_value = _known(self.column.p_values[i, j])
        return Difference(
            mean=float(self.column.gaps[i, j]),
            half_width=_known(self.half_widths[i, j]),
            p_value=_known(self.column.row_p_values[i, j]) if p_value is None else p_value,
            verdict=self.verdicts(j)[i],
            needed=self._verdicts.seeds_needed(i, j),
        )

    def solving(self, name: str) -> tuple[int, int, float, float] | None:
        """Return how many seeds of how many solve the task, with the share's 95 % interval.

        None if the task is not one that is solved or not, or if no seed of any row solves it.
        """
        counts = self.column.solving
        if self.column.solved is None or not any(counts):
            return None
        place = self.names.index(name)
        solved, seeds = counts[place], int(self.column.seeds[place])
        return solved, seeds, *share_interval(solved, seeds)


def t_quantile(n: int) -> float:
    """Return half the width of a 95 % interval over `n` seeds, in standard errors."""
    return float(stats.t.ppf((1 + CONFIDENCE) / 2, n - 1))


def _known(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None
