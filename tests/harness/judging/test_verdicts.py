"""Verdicts on pairs, standings, and what would decide an open pair."""

import numpy as np
import pytest
from archarena.harness.judging.power import NEVER, more_seeds
from archarena.harness.judging.verdicts import Standing, Verdict, Verdicts, holm, words
from hypothesis import given, settings
from hypothesis import strategies as st


def against(found, reference):
    verdicts = Verdicts(found).against(found.names.index(reference))
    return dict(zip(found.names, map(str, verdicts), strict=True))


def test_one_seed_says_which_trained_model_is_better(column, right):
    found = column(low=right(0.107), high=right(1.0))
    assert against(found, "high") == {"low": "<", "high": "="}
    assert against(found, "low") == {"low": "=", "high": ">"}
    assert Verdicts(found).standings() == {"low": Standing.BEHIND_HERE, "high": Standing.LEADING}
    needed = Verdicts(found).seeds_needed(0, 1)
    assert words(Verdict.WORSE_HERE, needed) == (
        "worse on these rows; about 3 more seeds would tell whether training again changes it"
    )


def test_two_seeds_say_which_architecture_is_better(column, right):
    found = column(low=right(0.1, 0.12), high=right(0.9, 0.91, seed=1), middle=right(0.5, 0.52, seed=2))
    assert against(found, "high") == {"low": "-", "high": "=", "middle": "-"}
    assert against(found, "middle") == {"low": "-", "high": "+", "middle": "="}
    assert Verdicts(found).standings()["high"] == Standing.BEST
    assert Verdicts(found).seeds_needed(0, 1) is None


def test_lower_is_better_in_a_column_of_losses(column):
    draw = np.random.default_rng(0)
    found = column(is_share=False, higher=False, a=draw.normal(2, 0.1, (2, 100)), b=draw.normal(1, 0.1, (2, 100)))
    assert against(found, "b") == {"a": "-", "b": "="}
    assert Verdicts(found).standings() == {"a": Standing.BEHIND, "b": Standing.BEST}


def test_no_difference_found_is_no_tie(column, right):
    found = column(a=right(0.5, 0.6), b=right(0.52, 0.58, seed=1), margin=0.01)
    assert against(found, "a")["b"] == "?"
    assert set(Verdicts(found).standings().values()) == {Standing.LEADING, Standing.UNDECIDED}


def test_a_difference_below_the_margin_is_a_tie(column, right):
    rows = right(0.9, 0.9, 0.9, rows=5000)
    found = column(a=rows, b=np.roll(rows, 1, axis=1), margin=0.02)
    assert against(found, "a")["b"] == "="


def test_exactly_equal_rows_are_best_together(column):
    perfect = np.ones((2, 100))
    found = column(a=perfect, b=perfect, c=np.zeros((2, 100)))
    assert Verdicts(found).standings() == {"a": Standing.BEST, "b": Standing.BEST, "c": Standing.BEHIND}


def test_holm_corrects_over_the_column(column, right):
    one, other = right(0.6), right(0.6)
    one[0, :108], other[0, :108] = np.arange(108) < 66, np.arange(108) >= 66
    pair = {"a": one, "b": other}
    assert against(column(**pair), "a")["b"] == "<", "66 rows only a has right, 42 only b"
    crowd = {f"c{i}": one for i in range(8)}
    assert against(column(**pair, **crowd), "a")["b"] == "?"


def test_more_seeds_are_needed_if_they_vary_more(column, right):
    calm = column(a=right(0.50, 0.54, rows=20_000), b=right(0.55, 0.58, rows=20_000, seed=1))
    wild = column(a=right(0.47, 0.57, rows=20_000), b=right(0.52, 0.61, rows=20_000, seed=1))
    assert 1 <= more_seeds(calm, 0, 1) < more_seeds(wild, 0, 1)


def test_a_difference_within_the_noise_of_rows_needs_more_rows(column, right):
    found = column(a=right(0.5, 0.5, rows=100), b=right(0.5, 0.5, rows=100, seed=1))
    assert more_seeds(found, 0, 1) == NEVER
    assert words(Verdict.UNKNOWN, NEVER) == "no difference found; needs more test rows"


def test_shares_of_seeds_that_solve_need_a_few_more_seeds(column, right):
    found = column(a=right(1.0, 1.0), b=right(0.5, 0.5, seed=1), solved=0.9)
    assert against(found, "a")["b"] == "<"
    assert more_seeds(found, 0, 1) == 1, "three of three against none of three is decided"


def test_holm_adjusts_a_known_case():
    # From statsmodels.stats.multitest.multipletests([0.01, 0.04, 0.03, 0.005], method="holm").
    np.testing.assert_allclose(holm(np.array([0.01, 0.04, 0.03, 0.005])), [0.03, 0.06, 0.06, 0.02])


@settings(max_examples=20)
@given(st.lists(st.floats(0, 1), min_size=1, max_size=12), st.integers(0, 3))
def test_holm_follows_its_definition_and_ignores_gaps(p_values, gaps):
    ranked, count = sorted(p_values), len(p_values)
    expected = [
        max(min(1, (count - place) * ranked[place]) for place in range(count) if ranked[place] <= p_value)
        for p_value in p_values
    ]
    found = holm(np.array([*p_values, *[np.nan] * gaps]))
    np.testing.assert_allclose(found[:count], expected)
    assert np.isnan(found[count:]).all()


@pytest.mark.parametrize("seeds", [1, 2, 3])
@settings(max_examples=10)
@given(shares=st.lists(st.integers(0, 20), min_size=2, max_size=4))
def test_the_best_mean_is_best_or_leading_in_any_order(seeds, shares):
    from archarena.harness.judging.column import Column
    from archarena.harness.judging.runs import Runs

    rows = {str(i): np.tile(np.arange(20) < share, (seeds, 1)).astype(float) for i, share in enumerate(shares)}
    runs = {name: Runs.of(found.mean(1), list(found), 20, is_share=True) for name, found in rows.items()}
    standings = Verdicts(Column(runs)).standings()
    first = {name for name, standing in standings.items() if standing in (Standing.BEST, Standing.LEADING)}
    assert first == {str(i) for i, share in enumerate(shares) if share == max(shares)}
