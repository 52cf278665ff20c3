"""How many more seeds would decide a pair."""

from __future__ import annotations

import numpy as np
from scipy import stats

from .column import MANY, Column
from .exact import CONFIDENCE, shares_differ

POWER = 0.8
"""Chance that the seeds named decide the pair, if the difference is the one seen."""

MOST_SEEDS = 100
"""More seeds than this are not proposed: more test rows are needed."""

NEVER = -1

GAP_IN_SPREADS = 3.0
"""Without any pair of seeds in a column, their standard deviation is taken to be a third of the difference."""

_SEEDS = np.array([*range(2, 21), 25, 30, 40, 50, 70, MOST_SEEDS])


def more_seeds(column: Column, one: int, other: int) -> int:
    """Return about how many more seeds of both variants decide their difference, at least 1, or `NEVER`."""
    have = int(min(column.seeds[one], column.seeds[other]))
    needed = _for_shares(column, one, other) if column.by_share[one, other] else _for_means(column, one, other)
    return NEVER if needed is None else max(1, needed - have)


def _for_means(column: Column, one: int, other: int) -> int | None:
    gap, of_rows = abs(column.gaps[one, other]), np.nan_to_num(column.row_variances[one, other])
    spread = column.seed_variances[[one, other]]
    known = column.seed_variances[~np.isnan(column.seed_variances)]
    spread = np.where(np.isnan(spread), known.mean() if len(known) else (gap / GAP_IN_SPREADS) ** 2, spread)
    of_seeds = spread[:, None] / _SEEDS
    total = of_rows + of_seeds.sum(0)
    below = (of_seeds**2 / (_SEEDS - 1)).sum(0)
    with np.errstate(all="ignore"):
        freedom = np.where(below > 0, total**2 / below, MANY)
    reach = (stats.t.ppf((1 + CONFIDENCE) / 2, freedom) + stats.t.ppf(POWER, freedom)) * np.sqrt(total)
    enough = np.flatnonzero(gap > reach)
    return int(_SEEDS[enough[0]]) if len(enough) else None


def _for_shares(column: Column, one: int, other: int) -> int | None:
    shares = [column.solving[i] / column.seeds[i] for i in (one, other)]
    for seeds in _SEEDS[_SEEDS <= 30].tolist():
        solved = [round(share * seeds) for share in shares]
        if shares_differ(solved[0], seeds, solved[1], seeds) <= 1 - CONFIDENCE:
            return seeds
    return None
