"""What can be said of scores over seeds: mean, interval, and who cannot be told from the best."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

import numpy as np
import pandas as pd
from scipy import stats
from statsmodels.stats.multitest import multipletests

CONFIDENCE = 0.95
MIN_SEEDS = 3
"""Below this many shared seeds no two rows are compared."""

Direction = Literal["higher", "lower"]


@dataclass(frozen=True)
class Estimate:
    """Mean over seeds, and half the width of its 95 % interval where there are two or more."""

    mean: float
    half_width: float | None
    n: int


class Standing(StrEnum):
    """Where a row stands in a column."""

    BEST = "best"
    TIED = "tied"
    BEHIND = "behind"
    UNKNOWN = "unknown"


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
    quantile = stats.t.ppf((1 + CONFIDENCE) / 2, len(values) - 1)
    return Estimate(mean, float(quantile * stats.sem(values)), len(values))


def is_better(value: float, other: float, direction: Direction) -> bool:
    """Return whether `value` is strictly better."""
    return value > other if direction == "higher" else value < other


def standings(scores: pd.DataFrame, direction: Direction) -> dict[str, Standing]:
    """Return who is best in a column, who is tied with the best, and who is behind.

    Rows are compared with the best mean by paired t tests on shared seeds, with Holm's correction
    over the column. Equal means are best together. Where a pair shares fewer than `MIN_SEEDS`
    seeds the standing is unknown.

    Parameters
    ----------
    scores
        Seeds by variants; NaN where there is no score.
    """
    means = scores.mean().dropna()
    if means.empty:
        return {}
    top = means.max() if direction == "higher" else means.min()
    best = [str(name) for name in means.index if math.isclose(means[name], top, rel_tol=1e-12, abs_tol=1e-15)]
    others = [str(name) for name in means.index if name not in best]
    p_values = {name: paired_p(scores[best[0]], scores[name]) for name in others}
    tested = {name: p for name, p in p_values.items() if not math.isnan(p)}
    found = dict.fromkeys(best, Standing.BEST) | dict.fromkeys(others, Standing.UNKNOWN)
    if tested:
        behind = multipletests(list(tested.values()), alpha=1 - CONFIDENCE, method="holm")[0]
        found |= {
            name: Standing.BEHIND if is_behind else Standing.TIED
            for name, is_behind in zip(tested, behind, strict=True)
        }
    return found


def paired_p(first: pd.Series, second: pd.Series) -> float:
    """Return the p value of a paired t test on shared seeds, or NaN below `MIN_SEEDS` of them."""
    difference = (first - second).dropna().to_numpy()
    if len(difference) < MIN_SEEDS:
        return math.nan
    if np.ptp(difference) <= 1e-12 * np.abs(difference).max():
        return 0.0 if difference.any() else 1.0
    shared = first.notna() & second.notna()
    return float(stats.ttest_rel(first[shared], second[shared]).pvalue)
