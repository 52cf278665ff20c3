"""Exact tests and intervals for counts, where normal approximations fail."""

from __future__ import annotations

from functools import cache

import numpy as np
from scipy import stats

CONFIDENCE = 0.95


@cache
def share_interval(count: int, total: int) -> tuple[float, float]:
    """Return the 95 % interval of a share (Clopper and Pearson); for none of n, it ends near 3.7 / n."""
    found = stats.binomtest(count, total).proportion_ci(CONFIDENCE, "exact")
    return float(found.low), float(found.high)


def mcnemar(one: np.ndarray, other: np.ndarray) -> float:
    """Return the p value of McNemar's exact test on rows that are right (1) or wrong (0)."""
    only_one, only_other = np.count_nonzero(one > other), np.count_nonzero(other > one)
    if not only_one + only_other:
        return 1.0
    return float(stats.binomtest(only_one, only_one + only_other).pvalue)


@cache
def shares_differ(one: int, of_one: int, other: int, of_other: int) -> float:
    """Return the p value of Boschloo's exact test that two shares are equal, such as seeds that solved a task."""
    if one * of_other == other * of_one:
        return 1.0
    return float(stats.boschloo_exact([[one, other], [of_one - one, of_other - other]], n=32).pvalue)
