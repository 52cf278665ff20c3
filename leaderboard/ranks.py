"""Ranks over many tasks: the order of the rows, and the critical-difference diagram."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import stats

from .statistics import CONFIDENCE

MIN_TASKS = 6
MIN_ROWS = 3
"""Below these numbers no critical difference is worked out."""


def mean_ranks(scores: np.ndarray) -> np.ndarray:
    """Return each row's mean rank over columns, 1 being best and ties sharing the mean of their ranks.

    Parameters
    ----------
    scores
        (rows, columns), higher is better; NaN ranks behind every number of its column.
    """
    filled = np.where(np.isnan(scores), -np.inf, scores)
    return stats.rankdata(-filled, axis=0).mean(axis=1)


@dataclass(frozen=True)
class CriticalDifference:
    """Friedman's test over tasks with Nemenyi's critical difference (Demsar 2006, JMLR 7, section 3.2.2).

    Attributes
    ----------
    ranks
        Mean ranks by row, best first.
    distance
        Two rows whose mean ranks differ by less cannot be told apart.
    p_value
        Of Friedman's test that no row differs from another.
    cliques
        Largest groups that cannot be told apart, as first and last place in `ranks`.
    """

    ranks: tuple[tuple[str, float], ...]
    distance: float
    p_value: float
    tasks: int
    cliques: tuple[tuple[int, int], ...]


def critical_difference(names: tuple[str, ...], scores: np.ndarray) -> CriticalDifference | None:
    """Return who can be told apart over tasks, or None where rows or tasks are too few.

    Parameters
    ----------
    scores
        (rows, tasks), higher is better, without a gap.
    """
    rows, tasks = scores.shape
    if rows < MIN_ROWS or tasks < MIN_TASKS:
        return None
    ranks = mean_ranks(scores)
    order = np.argsort(ranks, kind="stable")
    quantile = stats.studentized_range.ppf(CONFIDENCE, rows, np.inf) / np.sqrt(2)
    distance = float(quantile * np.sqrt(rows * (rows + 1) / (6 * tasks)))
    p_value = float(stats.friedmanchisquare(*scores).pvalue)
    alike = np.isnan(p_value) or p_value > 1 - CONFIDENCE
    ordered = ranks[order]
    cliques = ((0, rows - 1),) if alike else _cliques(ordered, distance)
    return CriticalDifference(
        tuple((names[i], float(ranks[i])) for i in order), distance, p_value, tasks, tuple(cliques)
    )


def _cliques(ordered: np.ndarray, distance: float) -> list[tuple[int, int]]:
    """Return the widest stretches of mean ranks that lie within `distance`."""
    found: list[tuple[int, int]] = []
    for first, rank in enumerate(ordered):
        last = int(np.searchsorted(ordered, rank + distance, side="left")) - 1
        if last > first and (not found or last > found[-1][1]):
            found.append((first, last))
    return found
