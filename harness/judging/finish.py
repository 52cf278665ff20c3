"""Whether training was finished: whether the validation score had stopped improving when training ended."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Any

import numpy as np
from scipy import stats

from ..contract.metrics import METRICS, sign
from ..records.record import AttemptInfo, CurvePoint, Record

LEVEL = 0.9
"""One-sided confidence of the bounds of a slope."""

SHARE = 4
"""The last quarter of a curve decides."""

FEWEST = 4
"""Number of points of a quarter below which earlier ones are added; a slope of three has no reliable error."""

PATIENCE = 3
"""On a task with plateaus, a score has stalled only after this many times the steps at which another model rose."""

RISE = 0.2
"""A validation score that gains this much of its metric's range has risen from its plateau."""

RELATIVE_MARGIN = 0.005
"""Change per quarter, relative to the score, that counts as none for metrics without a margin."""


class Finish(StrEnum):
    """State of a validation score at the end of training."""

    LEARNED = "learned"
    """Perfect, so that training ended early."""
    STALLED = "stalled"
    IMPROVING = "improving"
    UNCLEAR = "unclear"


def finish(record: Record) -> Finish | None:
    """Return whether the chosen attempt of a record was finished, or None if it has no curve."""
    attempt = record.chosen
    if record.status != "ok" or attempt is None or not attempt.curve:
        return None
    first = next(iter(record.scores.values()), None)
    metric = METRICS.get(first.metric) if first else None
    if metric and attempt.valid == metric.perfect:
        return Finish.LEARNED
    if attempt.ended == "stalled":
        return Finish.STALLED
    direction = first.direction if first else "higher"
    return curve_finish(_before_decay(attempt), sign(direction), metric.margin if metric else None)


def _before_decay(attempt: AttemptInfo) -> Sequence[CurvePoint]:
    """Return the curve up to the final decay of the learning rate, during which every score rises once more."""
    begin = attempt.decay_from
    if begin is None:
        return attempt.curve
    found = [point for point in attempt.curve if point.step <= begin]
    return found if len(found) >= FEWEST else attempt.curve


def curve_finish(curve: Sequence[CurvePoint], better: int, margin: float | None) -> Finish:
    """Return whether the score of a curve still improved over its last quarter.

    A line is fitted to the quarter. The score is improving if the lower bound of its change over the quarter is above
    the margin, and has stalled if the upper bound is below the margin; otherwise it is unclear.

    Parameters
    ----------
    better
        1 if higher scores are better, otherwise -1.
    margin
        Change that counts as none, in the unit of the score.
    """
    points = [(point.step, point.valid) for point in curve if point.valid is not None]
    if len(points) < FEWEST:
        return Finish.UNCLEAR
    steps, scores = np.array(points, float).T
    quarter = (steps[-1] - steps[0]) / SHARE
    recent = max(FEWEST, int(np.count_nonzero(steps >= steps[-1] - quarter)))
    steps, scores = steps[-recent:], better * scores[-recent:]
    least = RELATIVE_MARGIN * float(np.abs(scores).mean()) if margin is None else margin
    line: Any = stats.linregress(steps, scores)
    change = line.slope * quarter
    error = float(np.nan_to_num(line.stderr)) * quarter * stats.t.ppf(LEVEL, recent - 2)  # NaN if all are equal
    if change - error > least:
        return Finish.IMPROVING
    return Finish.STALLED if change + error < least else Finish.UNCLEAR


def after_plateaus(found: Mapping[str, Finish | None], records: Sequence[Record]) -> dict[str, Finish | None]:
    """Return by key how training was finished on a task whose scores rise suddenly after a plateau.

    A model that has not risen may be on its plateau: it has stalled only if it was trained for `PATIENCE` times the
    steps at which the models that rose did so.
    """
    rises = [step for record in records if (step := rise(record)) is not None]
    needed = PATIENCE * float(np.median(rises)) if rises else float("inf")
    return {
        record.key: Finish.UNCLEAR
        if found[record.key] is Finish.STALLED and rise(record) is None and _steps(record) < needed
        else found[record.key]
        for record in records
    }


def rise(record: Record) -> int | None:
    """Return the first step at which the validation score was halfway through its rise, or None if it did not rise."""
    curve = [point for point in record.chosen.curve if point.valid is not None] if record.chosen else []
    values = [point.valid for point in curve if point.valid is not None]
    if not values or max(values) - min(values) < RISE:
        return None
    middle = (values[0] + max(values, key=lambda value: abs(value - values[0]))) / 2
    return next(
        point.step for point, value in zip(curve, values, strict=True) if (value - middle) * (values[0] - middle) <= 0
    )


def _steps(record: Record) -> int:
    return record.chosen.steps if record.chosen else 0
