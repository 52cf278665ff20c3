"""The learning rate schedule, and when validation runs."""

from dataclasses import replace
from itertools import pairwise

import pytest
from archarena.harness.errors import UserError
from archarena.harness.planning.recipe import Recipe, Training, trade_off
from archarena.harness.planning.tier import TIERS, get_tier
from hypothesis import given
from hypothesis import strategies as st

RECIPE = Recipe("common", (1e-3, 1e-2), probe=0.2, warmup=0.1, floor=0.1, evaluations=10)


def test_the_rate_warms_up_linearly_and_falls_as_a_cosine_to_the_floor():
    rates = [RECIPE.rate(1.0, step, 100) for step in range(101)]
    assert rates[:3] == pytest.approx([0.1, 0.2, 0.3])
    assert max(rates) == rates[9] == 1.0
    assert rates[55] == pytest.approx(0.55)
    assert rates[100] == pytest.approx(0.1)


@pytest.mark.parametrize(
    ("schedule", "middle", "end"), [("linear", 0.55, 0.1), ("cosine", 0.55, 0.1), ("constant", 1.0, 1.0)]
)
def test_a_schedule_reaches_its_end_after_warm_up_steps(schedule, middle, end):
    recipe = Recipe("published", (1e-3,), schedule=schedule, warmup_steps=20, floor=0.1)
    rates = [recipe.rate(1.0, step, 120) for step in (0, 19, 70, 120)]
    assert rates == pytest.approx([0.05, 1.0, middle, end])


def test_a_cyclic_schedule_restarts_at_the_peak_and_spends_half_of_it_up_to_each_end():
    cyclic, steps = trade_off(RECIPE), 160
    rates = [cyclic.rate(1.0, step, steps) for step in range(steps)]
    assert cyclic.cycle_ends(steps) == [20, 40, 80, 160]
    assert rates[:10] == pytest.approx([0.1 * step for step in range(1, 11)])
    for end in cyclic.cycle_ends(steps):
        assert rates[end // 2] == 1.0
        assert rates[end - 1] < 0.03
        assert sum(rates[:end]) / end == pytest.approx(0.5, abs=0.06)
    assert [step for step in range(1, 161) if cyclic.evaluates_after(step, steps)] == [20, 40, 80, 160]


def test_the_last_cycle_ends_with_the_run_whatever_its_length():
    rates = [trade_off(RECIPE).rate(1.0, step, 175) for step in range(175)]
    assert rates[80] == 1.0
    assert rates[174] < 0.01
    assert all(a > b for a, b in pairwise(rates[80:]))


def test_a_single_rate_is_not_probed():
    assert Recipe("published", (1e-3,)).probe_steps(100) == 100
    assert Recipe("published", (1e-3, 1e-2)).probe_steps(100) == 20


def test_epochs_are_steps_over_whole_batches_validated_once_each():
    training = Training(Recipe("published", (1e-3,)), batch=8, epochs=5)
    recipe, steps = training.over(35)
    assert steps == 20
    assert [step for step in range(1, steps + 1) if recipe.evaluates_after(step, steps)] == [4, 8, 12, 16, 20]


@given(st.integers(1, 5000))
def test_validation_rows_are_read_at_the_probe_and_at_the_end(steps):
    read = [step for step in range(1, steps + 1) if RECIPE.evaluates_after(step, steps)]
    assert RECIPE.probe_steps(steps) in read
    assert read[-1] == steps
    assert len(read) <= 2 * RECIPE.evaluations + 2


@pytest.mark.parametrize(
    ("trained", "valid", "evaluations"),
    [(100_000, 500, 24), (55_000, 500, 22), (1_000, 500, 20), (0, 0, 20)],
)
def test_validation_reads_a_fifth_of_the_rows_that_are_trained_unless_that_needs_too_few_passes(
    trained, valid, evaluations
):
    recipe = get_tier("quick").recipe
    assert recipe.evaluations == 24
    assert recipe.thrifty(trained, valid) == replace(recipe, evaluations=evaluations)
    assert trade_off(recipe).thrifty(trained, valid) == trade_off(recipe)


@pytest.mark.parametrize("tier", TIERS)
def test_a_tier_is_found_by_its_name(tier):
    assert get_tier(tier).name == tier


def test_an_unknown_tier_names_the_closest():
    with pytest.raises(UserError, match="Did you mean 'smoke'"):
        get_tier("smok")


def test_a_warm_up_of_power_two_is_that_of_mega_on_path_x():
    # step_update of facebookresearch/mega@aeaa4b4:fairseq/optim/lr_scheduler/linear_decay_schedule.py with
    # --lr 0.01 --warmup-updates 25000 --warmup-power 2 --total-num-update 125000, without its initial rate of 1e-7
    recipe = Recipe("published", (0.01,), schedule="linear", warmup_steps=25_000, warmup_power=2)
    rates = [recipe.rate(0.01, update - 1, 125_000) for update in (1, 12_500, 25_000)]
    assert rates == pytest.approx([1.6e-11, 0.0025, 0.01])
    assert recipe.rate(0.01, 75_000, 125_000) == pytest.approx(0.005)


@pytest.mark.parametrize(("keep_last", "rows", "batches"), [(False, 10, 2), (True, 10, 3), (True, 8, 2), (False, 3, 1)])
def test_an_epoch_may_end_with_a_partial_batch(keep_last, rows, batches):
    recipe = Recipe("published", (1e-3,), keep_last=keep_last)
    assert Training(recipe, 4, epochs=5).over(rows)[1] == 5 * batches
