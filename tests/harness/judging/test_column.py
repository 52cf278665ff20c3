"""Differences over rows and seeds: parts of their variance, and cases in which variances are zero."""

import numpy as np
import pytest
from archarena.harness.judging.column import Column, moderated
from archarena.harness.judging.runs import Runs
from scipy import stats
from statsmodels.stats.contingency_tables import mcnemar


def test_one_seed_of_right_and_wrong_rows_is_judged_by_mcnemars_exact_test(column, right):
    one, other = right(0.8, seed=1), right(0.75, seed=2)
    table = [[np.sum((one == a) & (other == b)) for b in (1, 0)] for a in (1, 0)]
    found = column(a=one, b=other)
    assert found.row_p_values[0, 1] == pytest.approx(mcnemar(table, exact=True).pvalue)
    assert np.isnan(found.p_values).all(), "one seed says nothing about training again"


def test_a_variant_with_one_seed_can_stand_next_to_one_with_several(column, right):
    found = column(a=right(0.9), b=right(0.5, 0.6, seed=1))
    assert np.isnan(found.p_values).all()
    assert np.isfinite(found.own_half_widths).all()


def test_one_seed_of_losses_is_judged_by_a_paired_t_test_over_rows(column):
    draw = np.random.default_rng(0)
    one = draw.exponential(size=200)
    other = one + draw.normal(0.02, 0.1, 200)
    found = column(is_share=False, a=one, b=other)
    assert found.row_p_values[0, 1] == pytest.approx(stats.ttest_rel(one, other).pvalue)


def test_the_variance_is_that_of_rows_plus_that_of_seeds(column, right):
    found = column(is_share=False, a=right(0.6, 0.7, 0.8), b=right(0.4, 0.45, 0.5, seed=1))
    paired = right(0.6, 0.7, 0.8).mean(0) - right(0.4, 0.45, 0.5, seed=1).mean(0)
    assert found.row_variances[0, 1] == pytest.approx(paired.var(ddof=1) / 1000)
    assert found.errors[0, 1] ** 2 == pytest.approx(
        found.row_variances[0, 1] + found.seed_variances.sum() / 3, rel=1e-6
    )
    assert found.seed_variances[0] == pytest.approx(0.1**2, rel=0.4)


def test_noise_of_rows_is_not_counted_again_as_noise_of_seeds(runs, right):
    seeds = runs(right(*[0.5] * 10))
    assert seeds.scores.var(ddof=1) > 1e-4
    assert seeds.seed_variance < seeds.scores.var(ddof=1) / 2


def test_rows_of_other_test_sets_are_not_paired(right):
    rows = right(0.5)
    runs = {
        name: Runs.of(rows.mean(1), list(rows), 1000, is_share=True, test_set=place)
        for name, place in {"a": "x", "b": "x", "c": "y"}.items()
    }
    found = Column(runs).row_variances
    assert found[0, 1] < 1e-5
    assert found[0, 2] == pytest.approx(2 * 0.25 / 1000, rel=0.05)


def test_without_scores_per_row_a_share_still_has_the_noise_of_its_rows():
    found = Column({name: Runs.of([share], [None], 1000, is_share=True) for name, share in (("a", 0.107), ("b", 1.0))})
    assert found.row_p_values[0, 1] < 1e-6, "10.7 against 100.0 over 1,000 rows differ"
    close = Column({name: Runs.of([share], [None], 1000, is_share=True) for name, share in (("a", 0.5), ("b", 0.51))})
    assert close.row_p_values[0, 1] > 0.5


def test_a_loss_without_scores_per_row_has_no_verdict_from_one_seed():
    found = Column({name: Runs.of([loss], [None], 1000, is_share=False) for name, loss in (("a", 2.0), ("b", 1.0))})
    assert np.isnan(found.row_p_values).all()


@pytest.mark.parametrize("rows", [50, 2000])
def test_no_error_in_n_rows_leaves_a_doubt_of_about_three_in_n(column, rows):
    perfect = np.ones((3, rows))
    found = column(a=perfect, b=perfect)
    assert found.half_widths[0, 1] == pytest.approx(3 / rows, rel=0.1)
    assert found.own_half_widths[0] == pytest.approx(3 / rows, rel=0.1)
    assert found.p_values[0, 1] == 1


def test_three_equal_seeds_with_one_more_error_do_not_differ(column):
    perfect, other = np.ones((3, 500)), np.ones((3, 500))
    other[:, 0] = 0
    assert column(a=perfect, b=other).p_values[0, 1] > 0.3


def test_seeds_that_solve_a_task_or_not_are_compared_by_their_share(column, right):
    some, never = right(0.5, 0.5, 1.0, 1.0, 1.0), right(0.5, 0.5, 0.5, 0.5, 0.5, seed=1)
    found = column(a=some, b=never, solved=0.9)
    assert found.solving == [3, 0]
    assert found.p_values[0, 1] == pytest.approx(stats.boschloo_exact([[3, 0], [2, 5]]).pvalue)
    always = column(a=right(1.0, 1.0), b=right(0.95, 0.96), solved=0.9)
    assert not always.by_share.any(), "both always solve it, so their scores are compared"


def test_a_tie_needs_a_difference_below_the_margin(column, right):
    rows = right(0.9, 0.9, 0.9, rows=5000)
    assert column(a=rows, b=rows, margin=0.01).ties[0, 1]
    assert not column(a=rows, b=rows, margin=0.0003).ties[0, 1]
    assert not column(a=rows, b=rows).ties[0, 1], "without a margin nothing is tied"


def test_the_spread_of_seeds_is_moved_toward_that_of_the_other_variants():
    found, freedom = moderated(np.array([0.0, 1.0, 2.0, np.nan]), np.array([1, 1, 1, 0]))
    np.testing.assert_allclose(found, [0.5, 1.0, 1.5, np.nan])
    np.testing.assert_allclose(freedom, [2, 2, 2, np.nan])


def test_two_variances_are_not_moved():
    assert moderated(np.array([0.0, 1.0]), np.array([1, 1]))[0].tolist() == [0, 1]


def test_a_difference_is_the_same_in_both_directions(column, right):
    found = column(a=right(0.6, 0.7), b=right(0.4, 0.5, seed=1), c=right(0.5, seed=2))
    for matrix in (found.p_values, found.row_p_values, found.half_widths):
        np.testing.assert_allclose(matrix, matrix.T)
    np.testing.assert_allclose(found.gaps, -found.gaps.T)
