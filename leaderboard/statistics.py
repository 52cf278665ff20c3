"""What can be said of scores over seeds: mean, interval, and which rows can be told apart."""

from __future__ import annotations

import math
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cache, cached_property
from statistics import stdev
from typing import Literal

import numpy as np
from scipy import stats

CONFIDENCE = 0.95
MIN_SEEDS = 3
"""Below this many shared seeds no two rows are compared."""
_EQUAL = 1e-12
"""Relative difference below which two numbers are the same but for rounding."""

Direction = Literal["higher", "lower"]
Scores = Mapping[str, Mapping[int, float]]
"""The finite scores of a column, by row and then by seed."""


@dataclass(frozen=True)
class Estimate:
    """Mean over seeds, and half the width of its 95 % interval where there are two or more."""

    mean: float
    half_width: float | None
    n: int


class Standing(StrEnum):
    """Where a row stands in a column."""

    BEST = "best"
    LEADING = "leading"
    """The best number, which was compared with no other row."""
    TIED = "tied"
    BEHIND = "behind"
    UNKNOWN = "unknown"


class Verdict(StrEnum):
    """What a paired comparison with a reference row says of a row."""

    BETTER = "+"
    WORSE = "-"
    ALIKE = "="
    UNKNOWN = "?"


@cache
def t_quantile(n: int) -> float:
    """Return by what a standard error over `n` seeds is multiplied to give half a 95 % interval."""
    return float(stats.t.ppf((1 + CONFIDENCE) / 2, n - 1))


def estimate(values: Sequence[float]) -> Estimate:
    """Return the mean with Student's t interval, which assumes seeds that scatter normally.

    Parameters
    ----------
    values
        One finite score a seed, at least one.
    """
    mean = math.fsum(values) / len(values)
    if len(values) < 2:
        return Estimate(mean, None, len(values))
    return Estimate(mean, t_quantile(len(values)) * stdev(values, mean) / math.sqrt(len(values)), len(values))


def is_better(value: float, other: float, direction: Direction) -> bool:
    """Return whether `value` is strictly better."""
    return value > other if direction == "higher" else value < other


def difference(row: Mapping[int, float], reference: Mapping[int, float]) -> Estimate | None:
    """Return the mean over shared seeds of `row` less `reference`, with its 95 % interval; None without any."""
    shared = [value - reference[seed] for seed, value in row.items() if seed in reference]
    return estimate(shared) if shared else None


@dataclass(frozen=True)
class Comparisons:
    """All rows of one column compared with each other, once.

    Attributes
    ----------
    names
        The rows, in the order of the matrix.
    p_values
        (rows, rows) p values of paired t tests on shared seeds; NaN where two rows share fewer than
        `MIN_SEEDS`, and on the diagonal.
    means
        (rows,) means over each row's own seeds.
    """

    names: tuple[str, ...]
    p_values: np.ndarray
    means: np.ndarray
    direction: Direction

    def verdicts(self, reference: int) -> Sequence[Verdict]:
        """Return what is known of each row against one of them, with Holm's correction over the column."""
        return self._verdicts[reference]

    @cached_property
    def _verdicts(self) -> tuple[list[Verdict], ...]:
        return tuple(self._against(reference) for reference in range(len(self.names)))

    def _against(self, reference: int) -> list[Verdict]:
        found = [Verdict.UNKNOWN] * len(self.names)
        found[reference] = Verdict.ALIKE
        adjusted = holm(self.p_values[reference])
        for row in np.flatnonzero(~np.isnan(adjusted)):
            ahead = is_better(self.means[row], self.means[reference], self.direction)
            differs = adjusted[row] <= 1 - CONFIDENCE
            found[row] = (Verdict.BETTER if ahead else Verdict.WORSE) if differs else Verdict.ALIKE
        return found

    def standings(self) -> dict[str, Standing]:
        """Return who is best, who cannot be told from the best, and who is behind; equal means are best together."""
        top = self.means.max() if self.direction == "higher" else self.means.min()
        best = np.isclose(self.means, top, rtol=_EQUAL, atol=1e-15)
        first = int(np.argmax(best))
        verdicts, is_compared = self.verdicts(first), not np.isnan(self.p_values[first]).all()
        words = {Verdict.ALIKE: Standing.TIED, Verdict.UNKNOWN: Standing.UNKNOWN}
        return {
            name: (Standing.BEST if is_compared else Standing.LEADING)
            if is_best
            else words.get(verdict, Standing.BEHIND)
            for name, is_best, verdict in zip(self.names, best, verdicts, strict=True)
        }


def compare(scores: Scores, direction: Direction) -> Comparisons | None:
    """Compare the rows of a column with each other; None where there is no row.

    Parameters
    ----------
    scores
        Each row has at least one finite score.
    """
    if not scores:
        return None
    seeds = sorted({seed for values in scores.values() for seed in values})
    table = np.array([[values.get(seed, np.nan) for seed in seeds] for values in scores.values()])
    means = np.array([math.fsum(values.values()) / len(values) for values in scores.values()])
    return Comparisons(tuple(scores), _paired_p_values(table), means, direction)


def holm(p_values: np.ndarray) -> np.ndarray:
    """Return p values adjusted by Holm's step-down procedure (1979), as statsmodels does; NaN stays and does not count.

    statsmodels collects garbage on every call, which took longer than all else of a board.
    """
    order = np.argsort(p_values)
    remaining = np.count_nonzero(~np.isnan(p_values)) - np.arange(len(p_values))
    adjusted = np.full(len(p_values), np.nan)
    adjusted[order] = np.minimum(1, np.maximum.accumulate(p_values[order] * remaining))
    return adjusted


def _paired_p_values(table: np.ndarray) -> np.ndarray:
    """Return the p values of all pairs of rows; `table` is (rows, seeds), NaN where a seed is missing."""
    first, second = table[:, None, :], table[None, :, :]
    differences = first - second
    shared = (~np.isnan(differences)).sum(-1)
    enough = shared >= MIN_SEEDS
    np.fill_diagonal(enough, False)
    if not enough.any():
        return np.full(enough.shape, np.nan)
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")  # pairs with a constant difference are answered below
        p_values = np.array(stats.ttest_rel(*np.broadcast_arrays(first, second), axis=-1, nan_policy="omit").pvalue)
        spread = np.nanmax(differences, -1) - np.nanmin(differences, -1)
        scale = np.nanmax(np.abs(table)) * _EQUAL
        equal = np.nanmax(np.abs(differences), -1) <= scale
    constant = spread <= scale
    p_values[constant] = np.where(equal, 1.0, 0.0)[constant]
    return np.where(enough, p_values, np.nan)
