"""Metrics: functions that turn predictions and targets into one score."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np

from . import per_row

IGNORE = -100
"""Target value of positions that are not scored."""

TEMPERATURES = (1e-3, 1e3)
"""Bounds of a fitted temperature."""

GROUPS = 20
"""Number of groups of rows of the jackknife."""
SAMPLED = 100_000
"""Largest number of rows of a standard error: ranking millions of rows 20 times would take minutes."""

RowValues = tuple[np.ndarray, ...]

Direction = Literal["higher", "lower"]
"""Which scores are better."""


def sign(direction: Direction) -> int:
    """Return the factor that makes higher scores better: 1, or -1 if lower is better."""
    return 1 if direction == "higher" else -1


def better(direction: Direction, a: float, b: float) -> bool:
    """Return whether score `a` is strictly better than score `b`."""
    return sign(direction) * a > sign(direction) * b


@dataclass(frozen=True)
class Metric:
    """A score computed in two steps, so that scoring slices of rows is cheap.

    Attributes
    ----------
    direction
        Whether a higher or a lower score is better.
    perfect
        The score of perfect predictions.
    unit
        Unit of the score; empty if dimensionless.
    reduce
        Maps ``(predictions, targets)`` to arrays with one entry per row of `targets`.
    finish
        Maps those arrays, or a subset of their rows, to the score.
    summary
        One sentence: what the metric measures, and the shapes of predictions and targets.
    detail
        Maps ``(predictions, targets)`` to additional named scores, such as scores with fewer samples.
    calibrate
        Maps ``(predictions, targets)`` of the validation rows to a function that is applied to the
        test predictions before scoring.
    per_row
        Maps the arrays of `reduce` to (rows,) values whose mean is the score (`archarena.harness.contract.per_row`);
        None if unknown.
    margin
        Scores that differ by less than this count as equal; None if every difference counts.
    """

    name: str
    direction: Direction
    perfect: float
    unit: str
    reduce: Callable[[np.ndarray, np.ndarray], RowValues]
    finish: Callable[..., float]
    summary: str
    detail: Callable[[np.ndarray, np.ndarray], dict[str, dict[int, float]]] | None = None
    calibrate: Callable[[np.ndarray, np.ndarray], Callable[[np.ndarray], np.ndarray]] | None = None
    per_row: Callable[..., np.ndarray] | None = None
    margin: float | None = None

    def score(self, predictions: np.ndarray, targets: np.ndarray) -> float:
        """Return the score, or NaN if predictions contain NaN or nothing is scored.

        Parameters
        ----------
        predictions, targets
            Arrays with the shapes given in the metric's summary in `METRICS`.
        """
        if np.isnan(predictions).any():
            return float("nan")
        return _finite(self.finish(*self._rows(predictions, targets)))

    def measure(self, predictions: np.ndarray, targets: np.ndarray) -> tuple[float, float]:
        """Return the score and its standard error over rows; each is NaN if it is undefined.

        The standard error is a jackknife that leaves out one of 20 random groups of rows at a time. Of more than
        100,000 rows, it takes a random sample, and scales the result with the square root of the sample's share.
        """
        if np.isnan(predictions).any():
            return float("nan"), float("nan")
        rows = self._rows(predictions, targets)
        return _finite(self.finish(*rows)), self._standard_error(rows)

    def _rows(self, predictions: np.ndarray, targets: np.ndarray) -> RowValues:
        """Return the values of each row; raise `ValueError` if there is not one per row."""
        rows = self.reduce(predictions, targets)
        if any(len(column) != len(targets) for column in rows):
            raise ValueError(f"predictions {predictions.shape} and targets {targets.shape} do not match")
        return rows

    def _standard_error(self, rows: RowValues) -> float:
        count = len(rows[0])
        used = min(count, SAMPLED)
        groups = min(GROUPS, used)
        if groups < 2:
            return float("nan")
        order = np.random.default_rng(0).permutation(count)[:used]
        sample, member = tuple(column[order] for column in rows), np.arange(used) % groups
        scores = [self.finish(*(column[member != group] for column in sample)) for group in range(groups)]
        return _finite(float(np.sqrt((groups - 1) * used / count) * np.std(scores)))

    def row_scores(
        self, predictions: np.ndarray, targets: np.ndarray, cluster: np.ndarray | None = None
    ) -> np.ndarray | None:
        """Return one value per row whose mean is the score, or None if the score is undefined.

        If `cluster` (rows,) says which rows belong together, there is one value per cluster. A metric without
        `per_row` gives one per random group of rows, which are the same groups for all predictions.
        """
        rows = self.reduce(predictions, targets)
        if not np.isfinite(self.finish(*rows)):
            return None
        if self.per_row is not None:
            values = np.asarray(self.per_row(*rows), np.float64)
            return values if cluster is None else per_row.of_clusters(values, cluster)
        labels = np.arange(len(rows[0])) if cluster is None else np.unique(cluster, return_inverse=True)[1]
        count = int(labels.max()) + 1
        group = np.random.default_rng(0).permutation(count) % min(per_row.JACKKNIFE_GROUPS, count)
        values = per_row.of_groups(self.finish, rows, group[labels])
        return values if np.isfinite(values).all() else None

    def by_group(self, predictions: np.ndarray, targets: np.ndarray, labels: np.ndarray) -> dict[str | int, float]:
        """Return the score of each group of rows.

        Parameters
        ----------
        labels
            (N,) group of each row of `targets`.
        """
        groups, member = np.unique(labels, return_inverse=True)
        if np.isnan(predictions).any():
            return dict.fromkeys(groups.tolist(), float("nan"))
        rows = self._rows(predictions, targets)
        scores = (self.finish(*(column[member == index] for column in rows)) for index in range(len(groups)))
        return dict(zip(groups.tolist(), map(_finite, scores), strict=True))


def _finite(score: float) -> float:
    return float(score) if np.isfinite(score) else float("nan")


def _mean(total: np.ndarray, count: np.ndarray) -> float:
    scored = count.sum()
    return float(total.sum() / scored) if scored else float("nan")


def _root_mean(total: np.ndarray, count: np.ndarray) -> float:
    return float(np.sqrt(_mean(total, count)))


def _mean_bits(total: np.ndarray, count: np.ndarray) -> float:
    return _mean(total, count) / float(np.log(2))


def _area(scores: np.ndarray, labels: np.ndarray) -> float:
    from sklearn.metrics import roc_auc_score

    defined = labels.min(initial=1) < labels.max(initial=0) and np.isfinite(scores).all()
    return float(roc_auc_score(labels, scores)) if defined else float("nan")


def _area_minus_loss(logits: np.ndarray, labels: np.ndarray) -> float:
    return _area(logits, labels) - _mean(*_cross_entropy(logits, labels))


def _bits_per_row(total: np.ndarray, count: np.ndarray) -> np.ndarray:
    return per_row.of_ratio(total, count) / np.log(2)


def _area_minus_loss_per_row(logits: np.ndarray, labels: np.ndarray) -> np.ndarray:
    return per_row.of_area(logits, labels) - per_row.of_ratio(*_cross_entropy(logits, labels))


def _right_class(predictions: np.ndarray, targets: np.ndarray) -> RowValues:
    if targets.shape != predictions.shape[:-1]:  # NumPy might compare each row with every other
        raise ValueError(f"predictions {predictions.shape} and targets {targets.shape} do not match")
    right = predictions.argmax(-1) == targets
    return right.astype(np.float64), np.ones(len(targets))


def _right_labels(predictions: np.ndarray, targets: np.ndarray) -> RowValues:
    right = predictions.reshape(*targets.shape, -1).argmax(-1) == targets
    return right.sum(1).astype(np.float64), np.full(len(targets), targets.shape[1])


def _right_positions(predictions: np.ndarray, targets: np.ndarray) -> RowValues:
    row, column = np.nonzero(targets != IGNORE)
    classes = predictions if predictions.ndim == 1 else predictions.argmax(-1)
    right = classes == targets[row, column]
    return np.bincount(row, right, minlength=len(targets)), np.bincount(row, minlength=len(targets))


def _logits_and_labels(predictions: np.ndarray, targets: np.ndarray) -> RowValues:
    return predictions.reshape(len(targets)).astype(np.float64), np.asarray(targets)


def _cross_entropy(predictions: np.ndarray, targets: np.ndarray) -> RowValues:
    logits, labels = _logits_and_labels(predictions, targets)
    return np.logaddexp(0, np.where(labels > 0, -logits, logits)), np.ones(len(targets))


def fit_temperature(logits: np.ndarray, labels: np.ndarray) -> float:
    """Return the temperature T that minimizes the cross-entropy of ``logits / T`` (Guo et al., arXiv:1706.04599).

    The loss is convex in 1 / T, so its derivative has one root. If the root is outside
    `TEMPERATURES`, for example because the logits make no error, the nearer bound is returned.

    Parameters
    ----------
    logits, labels
        (N,) or (N, 1) logits and (N,) labels, 0 or 1.
    """
    from scipy.optimize import brentq
    from scipy.special import expit

    logits, labels = _logits_and_labels(logits, labels)

    def slope(log_temperature: float) -> float:
        return float(np.mean((expit(logits / np.exp(log_temperature)) - labels) * logits))

    low, high = np.log(TEMPERATURES)
    if slope(low) <= 0:
        return TEMPERATURES[0]
    if slope(high) >= 0:
        return TEMPERATURES[1]
    root = brentq(slope, low, high)
    assert isinstance(root, float)
    return float(np.exp(root))


def _by_temperature(logits: np.ndarray, labels: np.ndarray) -> Callable[[np.ndarray], np.ndarray]:
    temperature = fit_temperature(logits, labels)
    return lambda predictions: predictions / temperature


def _nats(predictions: np.ndarray, targets: np.ndarray) -> RowValues:
    return predictions.sum(-1, dtype=np.float64), (targets != IGNORE).sum(-1)


def _squared_error(predictions: np.ndarray, targets: np.ndarray) -> RowValues:
    if predictions.shape != targets.shape:
        raise ValueError(f"predictions {predictions.shape} and targets {targets.shape} differ in shape")
    error = predictions.astype(np.float64) - targets
    return (error**2).sum(-1), np.full(len(targets), error.shape[-1])


def _right_choice(predictions: np.ndarray, targets: np.ndarray) -> RowValues:
    with_problem, prior = _by_context(predictions, targets)
    return _right_class(with_problem - prior, targets)


def _by_context(predictions: np.ndarray, targets: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the (problems, options) log-probabilities with and without the problem as context."""
    table = predictions.reshape(len(targets), 2, -1)
    return table[:, 0], table[:, 1]


def _right_by_prior(predictions: np.ndarray, targets: np.ndarray) -> RowValues:
    return _right_class(_by_context(predictions, targets)[1], targets)


def _accuracy(name: str, reduce: Callable[[np.ndarray, np.ndarray], RowValues], summary: str) -> Metric:
    return Metric(name, "higher", 1.0, "fraction", reduce, _mean, summary, per_row=per_row.of_ratio, margin=0.01)


METRICS: dict[str, Metric] = {
    metric.name: metric
    for metric in (
        _accuracy(
            "accuracy", _right_class, "Fraction of rows classified correctly: logits (N, n) against classes (N,)."
        ),
        _accuracy(
            "label_accuracy",
            _right_labels,
            "Fraction of labels that are correct: logits (N, count * n) against classes (N, count).",
        ),
        _accuracy(
            "position_accuracy",
            _right_positions,
            "Fraction of scored positions predicted correctly: logits (scored, n) or classes (scored,), in the "
            "order of `np.nonzero(targets != -100)`, against classes or -100 (N, L).",
        ),
        Metric(
            "auc",
            "higher",
            1.0,
            "",
            _logits_and_labels,
            _area,
            "Area under the ROC curve, with ties counted as one half: logits (N, 1) against labels 0 or 1 (N,).",
            per_row=per_row.of_area,
            margin=0.001,
        ),
        Metric(
            "auc_minus_log_loss",
            "higher",
            1.0,
            "",
            _logits_and_labels,
            _area_minus_loss,
            "AUC minus the mean binary cross-entropy, monitored by some runs of FuxiCTR: shapes as for auc.",
            per_row=_area_minus_loss_per_row,
            margin=0.001,
        ),
        Metric(
            "log_loss",
            "lower",
            0.0,
            "nats",
            _cross_entropy,
            _mean,
            "Mean binary cross-entropy: logits (N, 1) against labels 0 or 1 (N,).",
            per_row=per_row.of_ratio,
            margin=0.001,
        ),
        Metric(
            "scaled_log_loss",
            "lower",
            0.0,
            "nats",
            _cross_entropy,
            _mean,
            "Mean binary cross-entropy after dividing the logits by a temperature fitted to the validation rows; "
            "shapes as for log_loss.",
            calibrate=_by_temperature,
            per_row=per_row.of_ratio,
            margin=0.001,
        ),
        Metric(
            "bits_per_byte",
            "lower",
            0.0,
            "bits",
            _nats,
            _mean_bits,
            "Mean negative log-likelihood per scored token: nats (N, L), 0 at unscored positions, against "
            "tokens or -100 (N, L).",
            per_row=_bits_per_row,
            margin=0.01,
        ),
        _accuracy(
            "choice_accuracy",
            _right_choice,
            "Fraction of problems whose correct option gains most from the problem as context: log-probabilities "
            "(P * 2 * options,), ordered (problem, with or without context, option), against options (P,).",
        ),
        _accuracy(
            "choice_prior_accuracy",
            _right_by_prior,
            "Fraction of problems whose correct option is the most likely without context; shapes as for "
            "choice_accuracy.",
        ),
        Metric(
            "rmse",
            "lower",
            0.0,
            "",
            _squared_error,
            _root_mean,
            "Root mean squared error: values (N, n) against values (N, n).",
            per_row=per_row.of_root,
        ),
    )
}
