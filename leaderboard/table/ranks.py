"""Ranks over tasks: mean ranks and critical differences."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import stats

from ...harness.judging.exact import CONFIDENCE

MIN_TASKS = 6
MIN_ROWS = 3
"""A critical difference needs at least this many tasks and rows."""


def mean_ranks(scores: np.ndarray) -> np.ndarray:
    """Return the mean rank of each row over columns; 1 is best, and equal scores share the mean of their ranks.

    Parameters
    ----------
    scores
        (rows, columns), higher is better; NaN ranks behind every number in its column.
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
        Rows are tied if their mean ranks differ by less than this.
    p_value
        p value of Friedman's test, whose null hypothesis is that no row differs from another.
    cliques
        Largest groups of tied rows, as first and last index into `ranks`.
    """

    ranks: tuple[tuple[str, float], ...]
    distance: float
    p_value: float
    tasks: int
    cliques: tuple[tuple[int, int], ...]


def critical_difference(names: tuple[str, ...], scores: np.ndarray) -> CriticalDifference | None:
    """Return mean ranks and groups of tied rows, or None if there are too few rows or tasks.

    Parameters
    ----------
    scores
        (rows, tasks), higher is better, without NaN.
    """
    rows, tasks = scores.shape
    if rows < MIN_ROWS or tasks < MIN_TASKS:
        return None
    ranks = mean_ranks(scores)
    order = np.argsort(ranks, kind="stable")
    quantile = stats.studentized_range.ppf(CONFIDENCE, rows, np.inf) / np.sqrt(2)
    distance = float(quantile * np.sqrt(rows * (rows + 1) / (6 * tasks)))
    p_value = float(stats.friedmanchisquare(*scores).pvalue)
    all_tied = np.isnan(p_value) or p_value > 1 - CONFIDENCE
    ordered = ranks[order]
    cliques = ((0, rows - 1),) if all_tied else _cliques(ordered, distance)
    return CriticalDifference(
        tuple((names[i], float(ranks[i])) for i in order), distance, p_value, tasks, tuple(cliques)
    )


def _cliques(ordered: np.ndarray, distance: float) -> list[tuple[int, int]]:
    """Return the longest runs of mean ranks that span less than `distance`."""
    found: list[tuple[int, int]] = []
    for first, rank in enumerate(ordered):
        last = int(np.searchsorted(ordered, rank + distance, side="left")) - 1
        if last > first and (not found or last > found[-1][1]):
            found.append((first, last))
    return found
