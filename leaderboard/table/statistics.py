"""Statistics of scores over seeds: means, intervals, and which rows are tied."""

from __future__ import annotations

import math
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cache, cached_property
from statistics import stdev

import numpy as np
from scipy import stats

from ...harness.contract.metrics import Direction, better, sign

CONFIDENCE = 0.95
MIN_SEEDS = 3
"""Two rows are compared if they share at least this many seeds."""
_EQUAL = 1e-12
"""Relative difference below which two numbers count as equal."""

Scores = Mapping[str, Mapping[int, float]]
"""Finite scores of a column by row, then by seed."""


@dataclass(frozen=True)
class Estimate:
    """Mean over `n` seeds and half the width of its 95 % interval, which is None for a single seed."""

    mean: float
    half_width: float | None
    n: int


class Standing(StrEnum):
    """Standing of a row in a column."""

    BEST = "best"
    LEADING = "leading"
    """The best mean, if there are too few seeds to compare rows."""
    TIED = "tied"
    BEHIND = "behind"
    UNKNOWN = "unknown"


class Verdict(StrEnum):
    """Result of a paired comparison of a row with a reference row."""

    BETTER = "+"
    WORSE = "-"
    TIED = "="
    UNKNOWN = "?"


@cache
def t_quantile(n: int) -> float:
    """Return half the width of a 95 % interval over `n` seeds, in standard errors."""
    return float(stats.t.ppf((1 + CONFIDENCE) / 2, n - 1))


def estimate(values: Sequence[float]) -> Estimate:
    """Return the mean of at least one finite score with Student's t interval, which assumes a normal distribution."""
    mean = math.fsum(values) / len(values)
    if len(values) < 2:
        return Estimate(mean, None, len(values))
    return Estimate(mean, t_quantile(len(values)) * stdev(values, mean) / math.sqrt(len(values)), len(values))


def difference(row: Mapping[int, float], reference: Mapping[int, float]) -> Estimate | None:
    """Return the mean of `row` minus `reference` over shared seeds, or None if they share none."""
    shared = [value - reference[seed] for seed, value in row.items() if seed in reference]
    return estimate(shared) if shared else None


@dataclass(frozen=True)
class Comparisons:
    """Pairwise comparisons of all rows of one column.

    Attributes
    ----------
    names
        The rows, in the order of the matrix.
    p_values
        (rows, rows) p values of paired t tests on shared seeds; NaN on the diagonal and for pairs that
        share fewer than `MIN_SEEDS` seeds.
    means
        (rows,) mean of each row over all its seeds.
    """

    names: tuple[str, ...]
    p_values: np.ndarray
    means: np.ndarray
    direction: Direction

    def verdicts(self, reference: int) -> Sequence[Verdict]:
        """Return the verdict on each row against row number `reference`, with Holm's correction over the column."""
        return self._verdicts[reference]

    @cached_property
    def _verdicts(self) -> tuple[list[Verdict], ...]:
        return tuple(self._against(reference) for reference in range(len(self.names)))

    def _against(self, reference: int) -> list[Verdict]:
        found = [Verdict.UNKNOWN] * len(self.names)
        found[reference] = Verdict.TIED
        adjusted = holm(self.p_values[reference])
        for row in np.flatnonzero(~np.isnan(adjusted)):
            ahead = better(self.direction, self.means[row], self.means[reference])
            differs = adjusted[row] <= 1 - CONFIDENCE
            found[row] = (Verdict.BETTER if ahead else Verdict.WORSE) if differs else Verdict.TIED
        return found

    def standings(self) -> dict[str, Standing]:
        """Return the standing of each row. Rows with equal best means are all best."""
        top = sign(self.direction) * (sign(self.direction) * self.means).max()
        best = np.isclose(self.means, top, rtol=_EQUAL, atol=1e-15)
        first = int(np.argmax(best))
        verdicts, is_compared = self.verdicts(first), not np.isnan(self.p_values[first]).all()
        words = {Verdict.TIED: Standing.TIED, Verdict.UNKNOWN: Standing.UNKNOWN}
        return {
            name: (Standing.BEST if is_compared else Standing.LEADING)
            if is_best
            else words.get(verdict, Standing.BEHIND)
            for name, is_best, verdict in zip(self.names, best, verdicts, strict=True)
        }


def compare(scores: Scores, direction: Direction) -> Comparisons | None:
    """Compare the rows of a column, which have at least one score each, or return None if there are none."""
    if not scores:
        return None
    seeds = sorted({seed for values in scores.values() for seed in values})
    table = np.array([[values.get(seed, np.nan) for seed in seeds] for values in scores.values()])
    means = np.array([math.fsum(values.values()) / len(values) for values in scores.values()])
    return Comparisons(tuple(scores), _paired_p_values(table), means, direction)


def holm(p_values: np.ndarray) -> np.ndarray:
    """Return p values adjusted by Holm's step-down procedure (1979); NaN stays and does not count.

    The result equals that of statsmodels, which is slow because it collects garbage on every call.
    """
    order = np.argsort(p_values)
    remaining = np.count_nonzero(~np.isnan(p_values)) - np.arange(len(p_values))
    adjusted = np.full(len(p_values), np.nan)
    adjusted[order] = np.minimum(1, np.maximum.accumulate(p_values[order] * remaining))
    return adjusted


def _paired_p_values(table: np.ndarray) -> np.ndarray:
    """Return the p values of all pairs of rows of `table` (rows, seeds); NaN marks a missing seed."""
    first, second = table[:, None, :], table[None, :, :]
    differences = first - second
    shared = (~np.isnan(differences)).sum(-1)
    enough = shared >= MIN_SEEDS
    np.fill_diagonal(enough, False)
    if not enough.any():
        return np.full(enough.shape, np.nan)
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")  # pairs with a constant difference are handled below
        p_values = np.array(stats.ttest_rel(*np.broadcast_arrays(first, second), axis=-1, nan_policy="omit").pvalue)
        spread = np.nanmax(differences, -1) - np.nanmin(differences, -1)
        scale = np.nanmax(np.abs(table)) * _EQUAL
        equal = np.nanmax(np.abs(differences), -1) <= scale
    constant = spread <= scale
    p_values[constant] = np.where(equal, 1.0, 0.0)[constant]
    return np.where(enough, p_values, np.nan)
