import numpy as np
import pytest
from archarena.leaderboard.table.statistics import Standing, compare, difference, estimate, holm
from hypothesis import given, settings
from hypothesis import strategies as st

BEST, LEADING, TIED, BEHIND, UNKNOWN = Standing


def seeds(*values):
    return dict(enumerate(values))


def standings(scores, direction):
    return compare(scores, direction).standings()


def paired_p(first, second):
    return compare({"first": first, "second": second}, "higher").p_values[0, 1]


def verdicts(scores, reference, direction="higher"):
    compared = compare(scores, direction)
    found = compared.verdicts(compared.names.index(reference))
    return dict(zip(compared.names, map(str, found), strict=True))


def test_interval_is_students_t():
    found = estimate([0.8, 0.9, 1.0])
    assert found.mean == pytest.approx(0.9)
    assert found.half_width == pytest.approx(4.302653 * 0.1 / 3**0.5, rel=1e-6)
    assert found.n == 3


def test_two_seeds_have_a_very_wide_interval():
    assert estimate([0.4, 0.6]).half_width == pytest.approx(12.7062 * 0.1, rel=1e-5)


def test_one_seed_has_no_interval():
    assert estimate([0.5]).half_width is None


def test_equal_seeds_have_an_interval_of_width_zero():
    assert estimate([1.0, 1.0, 1.0]).half_width == 0


def test_paired_p_of_a_known_case():
    # Differences 1, 2, 3: t = 2 / (1 / sqrt(3)) on two degrees of freedom.
    assert paired_p(seeds(2, 4, 6), seeds(1, 2, 3)) == pytest.approx(0.07417990, rel=1e-6)


def test_paired_p_uses_shared_seeds_only():
    assert paired_p({0: 2, 1: 4, 2: 6, 7: 99}, {0: 1, 1: 2, 2: 3, 8: -99}) == pytest.approx(0.07417990, rel=1e-6)


def test_too_few_shared_seeds_have_no_p():
    assert np.isnan(paired_p(seeds(0.9, 0.9, 0.9), {0: 0.1, 1: 0.1, 5: 0.1}))


def test_a_clear_gap_is_behind_and_a_noisy_one_is_tied():
    found = standings(
        {"a": seeds(0.90, 0.91, 0.92), "b": seeds(0.93, 0.88, 0.90), "c": seeds(0.10, 0.12, 0.11)}, "higher"
    )
    assert found == {"a": BEST, "b": TIED, "c": BEHIND}


def test_lower_is_better():
    assert standings({"a": seeds(2.6, 2.7, 2.65), "b": seeds(4.6, 4.71, 4.66)}, "lower") == {"a": BEST, "b": BEHIND}


def test_holm_corrects_over_the_column():
    best, behind = seeds(0, 0, 0), seeds(-1.0, -1.6, -1.3)
    gap = standings({"best": best, "one": behind}, "higher")
    assert gap["one"] == BEHIND
    noisier = seeds(-1.0, -2.2, -1.6)
    assert 0.025 < paired_p(best, noisier) < 0.05
    assert standings({"best": best, "one": noisier}, "higher")["one"] == BEHIND
    crowd = standings({"best": best, "one": noisier, "two": seeds(-2.2, -1.0, -1.6)}, "higher")
    assert crowd["one"] == crowd["two"] == TIED


def test_exactly_equal_rows_are_best_together():
    assert standings({"a": seeds(1.0, 1.0, 1.0), "b": seeds(1.0, 1.0, 1.0)}, "higher") == {"a": BEST, "b": BEST}


def test_a_constant_gap_is_a_gap():
    assert standings({"a": seeds(0.3, 0.4, 0.5), "b": seeds(0.2, 0.3, 0.4)}, "higher") == {"a": BEST, "b": BEHIND}


def test_one_outlier_makes_rows_tied():
    found = standings({"a": seeds(0.9, 0.9, 0.9, 0.9), "b": seeds(0.89, 0.88, 0.89, 0.2)}, "higher")
    assert found["b"] == TIED


def test_one_seed_is_too_few_to_compare():
    assert standings({"a": seeds(0.9), "b": seeds(0.1)}, "higher") == {"a": LEADING, "b": UNKNOWN}


def test_a_best_mean_without_a_comparison_is_not_called_best():
    scores = {"one seed": seeds(0.99), "b": seeds(0.5, 0.6, 0.7), "c": seeds(0.1, 0.2, 0.3)}
    assert standings(scores, "higher") == {"one seed": LEADING, "b": UNKNOWN, "c": UNKNOWN}
    assert standings({"only": seeds(0.5, 0.6, 0.7)}, "higher") == {"only": LEADING}


def test_an_empty_column_has_no_standings():
    assert compare({}, "higher") is None


def test_a_difference_is_over_shared_seeds():
    found = difference({0: 1.0, 1: 3.0, 7: 99.0}, {0: 0.5, 1: 1.5, 8: -99.0})
    assert (found.mean, found.n) == (1.0, 2)
    assert found.half_width == pytest.approx(12.7062 * 0.5, rel=1e-5)
    assert difference({0: 1.0}, {1: 1.0}) is None


def test_verdicts_say_who_is_better_than_the_reference_in_the_columns_direction():
    scores = {"a": seeds(0.90, 0.91, 0.92), "b": seeds(0.93, 0.88, 0.90), "c": seeds(0.10, 0.12, 0.11)}
    assert verdicts(scores, "c") == {"a": "+", "b": "+", "c": "="}
    assert verdicts(scores, "a") == {"a": "=", "b": "=", "c": "-"}
    assert verdicts(scores, "c", "lower") == {"a": "-", "b": "-", "c": "="}


def test_too_few_shared_seeds_have_no_verdict():
    assert verdicts({"a": seeds(0.9, 0.9), "b": seeds(0.1, 0.1)}, "a") == {"a": "=", "b": "?"}


def test_comparing_with_the_best_row_agrees_with_the_standings():
    scores = {"a": seeds(0.90, 0.91, 0.92), "b": seeds(0.93, 0.88, 0.90), "c": seeds(0.10, 0.12, 0.11), "d": {0: 0.5}}
    found = verdicts(scores, "a")
    assert standings(scores, "higher") == {"a": BEST, "b": TIED, "c": BEHIND, "d": UNKNOWN}
    assert [found[name] for name in "bcd"] == ["=", "-", "?"]


def test_a_missing_seed_does_not_change_other_pairs():
    whole = {"a": seeds(0.9, 0.91, 0.92, 0.93), "b": seeds(0.8, 0.83, 0.81, 0.85)}
    with_gap = whole | {"c": seeds(0.1, 0.2, 0.3)}
    assert compare(with_gap, "higher").p_values[0, 1] == pytest.approx(compare(whole, "higher").p_values[0, 1])
    assert not np.isnan(compare(with_gap, "higher").p_values[0, 2])


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


@settings(max_examples=15)
@given(
    st.dictionaries(
        st.sampled_from("abcdef"), st.lists(st.integers(0, 100), min_size=3, max_size=3), min_size=2, max_size=4
    )
)
def test_best_is_the_best_mean_in_any_order_of_rows(columns):
    scores = {name: seeds(*values) for name, values in columns.items()}
    found = standings(scores, "higher")
    top = max(sum(values) for values in columns.values())
    assert {name for name, standing in found.items() if standing == BEST} == {
        name for name, values in columns.items() if sum(values) == top
    }
    assert set(found) == set(scores)
    assert UNKNOWN not in found.values()
