"""When the learning rate of an attempt begins its final decay, and when the attempt ends.

Everything here is a function of the attempt's state, so a resumed attempt decides as an uninterrupted one.
"""

from __future__ import annotations

from collections.abc import Sequence
from statistics import fmean, variance

from ..contract.metrics import Metric, sign
from ..planning.recipe import Recipe
from ..records.record import Ending
from .checkpoint import AttemptState

FEWEST = 4
"""A score has stalled only after this many validation passes: two in each half have a variance."""


def ending(state: AttemptState, recipe: Recipe, steps: int, metric: Metric) -> Ending | None:
    """Return how an attempt with a budget of `steps` has ended, or None if it goes on."""
    if state.best == metric.perfect:
        return "perfect"
    if recipe.stop_after and state.stalled >= recipe.stop_after:
        return "stalled"
    start = state.decay_from
    if start is not None and start < recipe.latest_decay(steps) and state.step >= recipe.decay_end(start, steps):
        return "stalled"
    return "budget" if state.step >= steps else None


def note_decay(state: AttemptState, recipe: Recipe, steps: int, metric: Metric) -> None:
    """Before a step, begin the final decay if the score has stalled or the budget is nearly used."""
    if recipe.schedule != "decay" or state.decay_from is not None:
        return
    if state.step == recipe.latest_decay(steps) or _is_flat(state, recipe, steps, metric):
        state.decay_from = state.step


def _is_flat(state: AttemptState, recipe: Recipe, steps: int, metric: Metric) -> bool:
    """Return whether the validation pass after the last step shows that the score has stalled."""
    begin = state.step - round(recipe.patience * steps)
    if not recipe.patience or not state.curve or state.curve[-1].step != state.step or begin < recipe.warm_steps(steps):
        return False
    recent = [point.valid for point in state.curve if point.step > begin and point.valid is not None]
    return has_stalled([sign(metric.direction) * value for value in recent])


def has_stalled(scores: Sequence[float]) -> bool:
    """Return whether scores, of which higher ones are better, rise by no more than their scatter explains.

    The mean of the later half is compared with that of the earlier half. The score still rises if it is higher by
    more than one standard error, computed from the scatter within the halves. All passes use the same validation
    rows, so this scatter is how far the choice of rows and of the step can move a difference between passes.
    """
    if len(scores) < FEWEST:
        return False
    earlier, later = scores[: len(scores) // 2], scores[len(scores) // 2 :]
    error = (variance(earlier) / len(earlier) + variance(later) / len(later)) ** 0.5
    return fmean(later) - fmean(earlier) <= error
