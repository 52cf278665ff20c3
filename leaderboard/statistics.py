"""What can be said of scores over seeds: mean, interval, and who cannot be told from the best."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

import numpy as np
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


def standings(scores: Mapping[str, Mapping[int, float]], direction: Direction) -> dict[str, Standing]:
    """Return who is best in a column, who is tied with the best, and who is behind.

    Rows are compared with the best mean by paired t tests on shared seeds, with Holm's correction
    over the column. Equal means are best together. Where a pair shares fewer than `MIN_SEEDS`
    seeds the standing is unknown.

    Parameters
    ----------
    scores
        By variant, then by seed; each variant has at least one finite score.
    """
    if not scores:
        return {}
    means = {name: estimate(list(values.values())).mean for name, values in scores.items()}
    top = max(means.values()) if direction == "higher" else min(means.values())
    best = [name for name, mean in means.items() if math.isclose(mean, top, rel_tol=1e-12, abs_tol=1e-15)]
    found = dict.fromkeys(scores, Standing.UNKNOWN) | dict.fromkeys(best, Standing.BEST)
    p_values = {name: paired_p(scores[best[0]], scores[name]) for name in scores if name not in best}
    tested = {name: p for name, p in p_values.items() if p is not None}
    if tested:
        rejected = multipletests(list(tested.values()), alpha=1 - CONFIDENCE, method="holm")[0]
        verdicts = [Standing.BEHIND if is_behind else Standing.TIED for is_behind in rejected]
        found |= dict(zip(tested, verdicts, strict=True))
    return found


def paired_p(first: Mapping[int, float], second: Mapping[int, float]) -> float | None:
    """Return the p value of a paired t test on shared seeds, or None below `MIN_SEEDS` of them."""
    seeds = sorted(first.keys() & second.keys())
    if len(seeds) < MIN_SEEDS:
        return None
    one, two = np.array([first[seed] for seed in seeds]), np.array([second[seed] for seed in seeds])
    if np.ptp(one - two) <= 1e-12 * np.abs(one).max():
        return 1.0 if np.allclose(one, two, rtol=1e-12, atol=0) else 0.0
    return float(stats.ttest_rel(one, two).pvalue)
