"""An attempt ends when its score is perfect, after a decay once it has stalled, or with its budget."""

from dataclasses import replace

import numpy as np
import pytest
from archarena.harness.contract.metrics import METRICS
from archarena.harness.planning.recipe import Recipe
from archarena.harness.planning.tier import common
from archarena.harness.records.record import CurvePoint
from archarena.harness.training.checkpoint import AttemptState
from archarena.harness.training.ending import ending, note_decay
from hypothesis import given
from hypothesis import strategies as st

STEPS = 1000
RECIPE = common(1e-3, 1e-2)
ACCURACY, LOSS = METRICS["accuracy"], METRICS["bits_per_byte"]


def trained(score, recipe: Recipe = RECIPE, metric=ACCURACY, steps: int = STEPS) -> AttemptState:
    """Return the state at the end of an attempt whose validation score after `step` steps is ``score(step)``."""
    state = AttemptState()
    while not ending(state, recipe, steps, metric):
        note_decay(state, recipe, steps, metric)
        state.step += 1
        if recipe.evaluates_after(state.step, steps, state.decay_from):
            value = score(state.step)
            point = CurvePoint(step=state.step, samples=state.step, seconds=0.0, train_loss=1.0, valid=value)
            state.curve.append(point)
            state.best = value if state.best is None else max(value, state.best)
    return state


def ended(state: AttemptState, recipe: Recipe = RECIPE, metric=ACCURACY) -> str | None:
    return ending(state, recipe, STEPS, metric)


def test_a_perfect_score_ends_at_once():
    state = trained(lambda step: 1.0 if step >= 300 else 0.1)
    assert (ended(state), state.decay_from) == ("perfect", None)
    assert 300 <= state.step < 300 + STEPS / RECIPE.evaluations


def test_a_score_that_stays_flat_decays_and_ends_early():
    state = trained(lambda step: min(0.9, step / 200))
    assert ended(state) == "stalled"
    assert 400 <= state.decay_from <= 600
    assert state.step == pytest.approx(state.decay_from / 0.8, abs=1)
    assert state.curve[-1].step == state.step


def test_a_score_that_still_rises_uses_the_budget_and_decays_at_its_end():
    state = trained(lambda step: 0.2 + 0.5 * step / STEPS)
    assert (state.step, state.decay_from, ended(state)) == (STEPS, 800, "budget")


def test_lower_is_better_for_a_loss():
    state = trained(lambda step: 2 - step / STEPS, metric=LOSS)
    assert ended(state, metric=LOSS) == "budget"
    state = trained(lambda step: 1 + step / STEPS, metric=LOSS)
    assert ended(state, metric=LOSS) == "stalled"


def test_a_task_with_a_plateau_ends_early_only_when_perfect():
    patient = replace(RECIPE, patience=0.0)
    flat = trained(lambda step: 0.1, patient)
    assert (flat.step, ended(flat, patient)) == (STEPS, "budget")
    late = trained(lambda step: 1.0 if step > 700 else 0.1, patient)
    assert ended(late, patient) == "perfect"
    assert 700 < late.step < 700 + STEPS / RECIPE.evaluations


def test_rates_are_probed_before_any_decay():
    state = trained(lambda step: 0.5)
    assert state.decay_from > RECIPE.probe_steps(STEPS)


@pytest.mark.parametrize(("rise", "least", "most"), [(0, 0.99, 1.0), (8, 0.0, 0.3), (12, 0.0, 0.05)])
def test_scatter_hides_no_rise_and_feigns_none(rise, least, most):
    """The rise over the whole budget is `rise` times the standard deviation of one validation pass."""
    draw = np.random.default_rng(0)
    states = [trained(lambda step: 0.1 + 0.02 * (rise * step / STEPS + draw.normal())) for _ in range(200)]
    assert least <= np.mean([ended(state) == "stalled" for state in states]) <= most


def test_a_flat_score_is_found_by_the_middle_of_the_budget():
    draw = np.random.default_rng(1)
    begins = [trained(lambda step: 0.5 + 0.02 * draw.normal()).decay_from for _ in range(200)]
    assert np.median(begins) <= STEPS / 2


@given(st.integers(1, 3000), st.data())
def test_the_rate_falls_to_its_floor_within_the_budget_wherever_the_decay_begins(steps, data):
    latest = RECIPE.latest_decay(steps)
    begin = data.draw(st.integers(min(RECIPE.warm_steps(steps), latest), latest))
    end = RECIPE.decay_end(begin, steps)
    assert begin < end <= steps
    if begin == latest:
        assert end == steps
    rates = [RECIPE.rate(1.0, step, steps, begin) for step in range(begin, end)]
    assert rates == sorted(rates, reverse=True)
    assert 0 < rates[-1] <= 1
    assert RECIPE.evaluates_after(end, steps, begin)
