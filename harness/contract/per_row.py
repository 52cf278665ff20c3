"""Scores per row: numbers with one entry per row of a test set whose mean is the score of all rows.

Their spread over rows gives the score's standard error, and that of a difference of two models on the same rows. For
metrics that are not means they are influence values: how much a row moves the score (DeLong et al. 1988,
doi:10.2307/2531595, for the area under the ROC curve; the delta method for ratios and roots).
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

JACKKNIFE_GROUPS = 200
"""Number of groups of rows of which a metric with an unknown formula leaves out one at a time."""


def of_ratio(total: np.ndarray, count: np.ndarray) -> np.ndarray:
    """Return (rows,) values with mean ``total.sum() / count.sum()``."""
    score = total.sum() / count.sum()
    return score + (total - score * count) / count.mean()


def of_root(total: np.ndarray, count: np.ndarray) -> np.ndarray:
    """Return (rows,) values with mean ``sqrt(total.sum() / count.sum())``."""
    square = of_ratio(total, count)
    root = np.sqrt(square.mean())
    return root + (square - square.mean()) / (2 * root) if root > 0 else np.zeros(len(square))


def of_area(scores: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Return (rows,) values whose mean is the area under the ROC curve, from DeLong's placement values."""
    from scipy.stats import rankdata

    positive = labels > 0
    share = positive.mean()
    ranks = rankdata(scores)
    placement = np.empty(len(scores))
    placement[positive] = (ranks[positive] - rankdata(scores[positive])) / np.count_nonzero(~positive)
    placement[~positive] = 1 - (ranks[~positive] - rankdata(scores[~positive])) / np.count_nonzero(positive)
    area = placement[positive].mean()
    return area + (placement - area) / np.where(positive, share, 1 - share)


def of_groups(finish: Callable[..., float], rows: tuple[np.ndarray, ...], member: np.ndarray) -> np.ndarray:
    """Return a jackknife's pseudo-values of any metric, one per group of rows, centered on the score.

    Parameters
    ----------
    finish, rows
        As in `archarena.harness.contract.metrics.Metric`.
    member
        (rows,) number of each row's group, from 0.
    """
    groups, score = int(member.max()) + 1, finish(*rows)
    without = [finish(*(column[member != group] for column in rows)) for group in range(groups)]
    values = groups * score - (groups - 1) * np.array(without)
    return values - values.mean() + score


def of_clusters(values: np.ndarray, cluster: np.ndarray) -> np.ndarray:
    """Return one value per cluster with the same mean: the sum of what its rows deviate from the score.

    Parameters
    ----------
    values
        (rows,) score per row.
    cluster
        (rows,) label of the cluster of each row.
    """
    _, member = np.unique(cluster, return_inverse=True)
    score, clusters = values.mean(), int(member.max()) + 1
    return score + np.bincount(member, values - score) * clusters / len(values)
