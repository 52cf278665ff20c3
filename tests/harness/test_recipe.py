"""The schedule, and when the validation rows are read."""

import pytest
from archarena.harness.errors import UserError
from archarena.harness.recipe import TIERS, Recipe, get_tier
from hypothesis import given
from hypothesis import strategies as st

RECIPE = Recipe("test", (1e-3,), probe=0.2, warmup=0.1, floor=0.1, evaluations=10)


def test_the_rate_warms_up_linearly_and_falls_as_a_cosine_to_the_floor():
    rates = [RECIPE.rate(1.0, step, 100) for step in range(101)]
    assert rates[:3] == pytest.approx([0.1, 0.2, 0.3])
    assert max(rates) == rates[9] == 1.0
    assert rates[55] == pytest.approx(0.55)
    assert rates[100] == pytest.approx(0.1)


@given(st.integers(1, 5000))
def test_validation_rows_are_read_at_the_probe_and_at_the_end(steps):
    read = [step for step in range(1, steps + 1) if RECIPE.evaluates_after(step, steps)]
    assert RECIPE.probe_steps(steps) in read
    assert read[-1] == steps
    assert len(read) <= 2 * RECIPE.evaluations + 2


@pytest.mark.parametrize("tier", TIERS)
def test_a_tier_is_found_by_its_name(tier):
    assert get_tier(tier).name == tier


def test_an_unknown_tier_names_the_closest():
    with pytest.raises(UserError, match="Did you mean 'smoke'"):
        get_tier("smok")
