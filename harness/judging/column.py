"""All pairs of variants in one column: how much they differ over test rows and seeds, and how sure that is.

Rows and seeds are crossed: all models see the same rows, and the seeds of different models are independent. The
variance of a difference is that over rows of the paired difference, plus that over the seeds of either model, with
Satterthwaite's degrees of freedom.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy import stats

from .exact import CONFIDENCE, mcnemar, shares_differ
from .runs import FLOOR, Runs


@dataclass(frozen=True, eq=False)
class Column:
    """The runs of the variants in one column, which have at least one score each.

    Matrices have an entry per pair: row number minus column number. There are two questions. Would a difference hold
    on other test rows, for these trained models (`row_errors`, `row_p_values`)? And would it hold after training
    again (`errors`, `p_values`), which needs at least two seeds of both?

    Attributes
    ----------
    margin
        Scores that differ by less count as equal; None if every difference counts.
    solved
        Score from which a seed has solved the task; None for tasks that are not solved or unsolved.
    higher
        Whether higher scores are better.
    """

    runs: Mapping[str, Runs]
    margin: float | None = None
    solved: float | None = None
    higher: bool = True

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(self.runs)

    @cached_property
    def _runs(self) -> list[Runs]:
        return list(self.runs.values())

    @cached_property
    def means(self) -> np.ndarray:
        return np.array([run.mean for run in self._runs])

    @cached_property
    def seeds(self) -> np.ndarray:
        return np.array([run.seeds for run in self._runs])

    @cached_property
    def gaps(self) -> np.ndarray:
        return self.means[:, None] - self.means[None]

    @cached_property
    def row_variances(self) -> np.ndarray:
        """Return the variance of each difference that comes from the test rows; NaN if unknown.

        It is that of paired rows where both variants have scores per row, otherwise the sum of both.
        """
        own = np.array([np.nan if run.row_variance is None else run.row_variance for run in self._runs])
        found = own[:, None] + own[None]
        for members in self._paired:
            rows = np.stack([scores for i in members if (scores := self._runs[i].by_row) is not None])
            count, kept = self._runs[members[0]].count, rows.shape[1]
            covariance = np.cov(rows) if len(members) > 1 else np.array([[rows.var(ddof=1)]])
            diagonal = np.diag(covariance)
            spread = np.maximum(diagonal[:, None] + diagonal[None] - 2 * covariance, 0.0)
            if self._runs[members[0]].is_share:
                spread = ((kept - 1) * spread + FLOOR) / (kept + 2)
            found[np.ix_(members, members)] = spread / count
        return found

    @cached_property
    def _paired(self) -> list[list[int]]:
        """Return groups of variants whose scores per row belong to the same rows."""
        groups: dict[tuple[str, int, int], list[int]] = {}
        for i, run in enumerate(self._runs):
            if run.rows is not None:
                groups.setdefault((run.test_set, run.count, run.rows.shape[1]), []).append(i)
        return list(groups.values())

    @cached_property
    def _rows(self) -> np.ndarray:
        """Return the number of rows from which each variant's spread over rows was estimated."""
        return np.array([run.count if run.rows is None else run.rows.shape[1] for run in self._runs])

    @cached_property
    def _of_seeds(self) -> tuple[np.ndarray, np.ndarray]:
        found = np.array([np.nan if run.seed_variance is None else run.seed_variance for run in self._runs])
        return moderated(found, self.seeds - 1)

    @property
    def seed_variances(self) -> np.ndarray:
        """Return the variance of one seed's score by variant, moderated; NaN for a single seed."""
        return self._of_seeds[0]

    @property
    def seed_freedom(self) -> np.ndarray:
        """Return the degrees of freedom of `seed_variances`."""
        return self._of_seeds[1]

    @cached_property
    def _parts(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return the variances of each difference from rows, and from the seeds of either; unknown rows count as 0."""
        of_seeds = self.seed_variances / self.seeds
        shape = self.gaps.shape
        one, other = np.broadcast_to(of_seeds[:, None], shape), np.broadcast_to(of_seeds, shape)
        return np.nan_to_num(self.row_variances), one, other

    @cached_property
    def errors(self) -> np.ndarray:
        """Return the standard error of each difference over rows and seeds; NaN without two seeds of both."""
        return np.sqrt(sum(self._parts))

    @cached_property
    def freedom(self) -> np.ndarray:
        """Return the degrees of freedom of each difference (Satterthwaite)."""
        of_rows, one, other = self._parts
        rows, freedom = self._rows, self.seed_freedom
        noise = np.array([run.residual for run in self._runs]) / self.seeds
        with np.errstate(all="ignore"):
            below = of_rows**2 / np.maximum(np.minimum.outer(rows, rows) - 1, 1)
            below = below + (one + noise[:, None]) ** 2 / freedom[:, None] + (other + noise) ** 2 / freedom[None]
            found = np.where(below > 0, (of_rows + one + other) ** 2 / below, MANY)
            return np.maximum(found, np.minimum.outer(freedom, freedom))

    @cached_property
    def half_widths(self) -> np.ndarray:
        """Return half the width of the 95 % interval of each difference over rows and seeds."""
        return stats.t.ppf((1 + CONFIDENCE) / 2, self.freedom) * self.errors

    @cached_property
    def own_half_widths(self) -> np.ndarray:
        """Return half the width of the 95 % interval of each mean; over rows only for a single seed, NaN if unknown."""
        of_rows = np.array([np.nan if run.row_variance is None else run.row_variance for run in self._runs])
        of_seeds = np.nan_to_num(self.seed_variances) / self.seeds
        total = np.where(self.seeds > 1, np.nan_to_num(of_rows), of_rows) + of_seeds
        with np.errstate(all="ignore"):
            noise = np.array([run.residual for run in self._runs]) / self.seeds
            below = np.nan_to_num(of_rows) ** 2 / np.maximum(self._rows - 1, 1)
            below = below + np.nan_to_num((of_seeds + noise) ** 2 / self.seed_freedom)
            freedom = np.where(below > 0, total**2 / below, MANY)
            freedom = np.fmax(freedom, self.seed_freedom)
        return stats.t.ppf((1 + CONFIDENCE) / 2, freedom) * np.sqrt(total)

    @cached_property
    def p_values(self) -> np.ndarray:
        """Return the p value of each difference over rows and seeds; NaN without two seeds of both."""
        found = _two_sided(self.gaps, self.errors, self.freedom)
        for i, j in np.argwhere(self.by_share & ~np.isnan(found)):
            one, other = self.solving[i], self.solving[j]
            found[i, j] = shares_differ(one, int(self.seeds[i]), other, int(self.seeds[j]))
        np.fill_diagonal(found, np.nan)
        return found

    @cached_property
    def row_p_values(self) -> np.ndarray:
        """Return the p value of each difference of these trained models over test rows; NaN if unknown."""
        found = _two_sided(self.gaps, np.sqrt(self.row_variances), np.minimum.outer(self._rows, self._rows) - 1)
        single = [i for i, run in enumerate(self._runs) if run.seeds == 1 and run.rows is not None and _is_binary(run)]
        for place, i in enumerate(single):
            for j in single[place + 1 :]:
                one, other = self._runs[i].rows, self._runs[j].rows
                if one is not None and other is not None and one.shape == other.shape:
                    found[i, j] = found[j, i] = mcnemar(one[0], other[0])
        np.fill_diagonal(found, np.nan)
        return found

    @cached_property
    def solving(self) -> list[int]:
        """Return the number of seeds of each variant that solved the task."""
        if self.solved is None:
            return [0] * len(self._runs)
        sign = 1 if self.higher else -1
        return [int(np.count_nonzero(sign * run.scores >= sign * self.solved)) for run in self._runs]

    @cached_property
    def by_share(self) -> np.ndarray:
        """Return which pairs are compared by the share of seeds that solve the task, because it differs."""
        solving, seeds = np.array(self.solving), self.seeds
        mixed = (solving > 0) & (solving < seeds)
        return mixed[:, None] | mixed[None] | ((solving > 0)[:, None] != (solving > 0)[None])

    @cached_property
    def ties(self) -> np.ndarray:
        """Return which pairs differ by less than the margin (two one-sided tests at the 5 % level)."""
        if self.margin is None:
            return np.zeros(self.gaps.shape, bool)
        reach = np.abs(self.gaps) + stats.t.ppf(CONFIDENCE, self.freedom) * self.errors
        return (reach < self.margin) & ~self.by_share


def _two_sided(gaps: np.ndarray, errors: np.ndarray, freedom: np.ndarray) -> np.ndarray:
    with np.errstate(all="ignore"):
        ratio = np.where(errors > 0, np.abs(gaps) / errors, np.where(np.abs(gaps) > 1e-12, np.inf, 0.0))
        return np.where(np.isnan(errors), np.nan, 2 * stats.t.sf(ratio, freedom))


def _is_binary(run: Runs) -> bool:
    return run.rows is not None and bool(((run.rows == 0) | (run.rows == 1)).all())


MANY = 1e6
"""Degrees of freedom where no variance was estimated."""

PRIOR_FREEDOM = 1.0
"""Weight of the other variants' seeds in the variance of a variant's seeds, in degrees of freedom.

Chosen by simulation (``tests/benchmarks/coverage.py``): with two seeds the intervals are half as wide as without, and
cover as often, also if some variants vary twenty times as much as others.
"""


def moderated(variances: np.ndarray, freedom: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the variances moved toward their mean over variants, and their degrees of freedom.

    This is the moderated variance of Smyth (2004, doi:10.2202/1544-6115.1027) with a fixed weight. Fewer than three
    known variances are left as they are.
    """
    known = ~np.isnan(variances)
    if known.sum() < 3:
        return variances, np.where(known, freedom, np.nan)
    pool = np.sum(variances[known] * freedom[known]) / freedom[known].sum()
    found = (PRIOR_FREEDOM * pool + freedom * variances) / (PRIOR_FREEDOM + freedom)
    return found, np.where(known, freedom + PRIOR_FREEDOM, np.nan)
