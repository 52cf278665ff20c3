"""When the learning rate of an attempt begins its final decay, and when the attempt ends.

Everything here is a function of the attempt's state, so a resumed attempt decides as an uninterrupted one.
"""

from __future__ import annotations

from collections.abc import Sequence
from statistics import fmean

from ..contract.metrics import Metric, sign
from ..planning.recipe import Recipe
from ..records.record import Ending
from .checkpoint import AttemptState

FEWEST = 4
"""A score has stalled only after this many validation passes."""


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
    """Return whether scores, of which higher ones are better, rise no more: the later half is no higher on average.

    Means of several passes are compared because single passes scatter, with the step and with the validation rows.
    Flat scores are found within a few passes, as the scatter soon puts one mean above the other, while scores that
    rise over the budget by eight times the scatter of a pass rarely count as stalled.
    """
    if len(scores) < FEWEST:
        return False
    middle = len(scores) // 2
    return fmean(scores[middle:]) <= fmean(scores[:middle])
