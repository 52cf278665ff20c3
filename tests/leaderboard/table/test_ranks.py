"""Mean ranks and the critical difference on cases with known answers."""

import numpy as np
import pytest
from archarena.leaderboard.table.ranks import critical_difference, mean_ranks

NAMES = ("a", "b", "c")


def test_ranks_start_at_one_and_ties_share():
    scores = np.array([[0.9, 0.5], [0.5, 0.5], [0.1, 0.9]])
    assert mean_ranks(scores).tolist() == [1.75, 2.25, 2.0]


def test_a_missing_score_ranks_behind_every_number():
    assert mean_ranks(np.array([[np.nan], [-9.0], [3.0]])).tolist() == [3, 2, 1]


def test_the_distance_is_nemenyis():
    # Demsar (2006), table 5: q = 2.343 for three classifiers at 0.05; CD = q sqrt(k (k + 1) / (6 N)).
    scores = np.array([[3.0] * 12, [2.0] * 12, [1.0] * 12])
    found = critical_difference(NAMES, scores)
    assert found.distance == pytest.approx(2.343 * np.sqrt(3 * 4 / (6 * 12)), rel=1e-3)
    assert found.ranks == (("a", 1.0), ("b", 2.0), ("c", 3.0))
    assert found.cliques == (), "steps of one rank are wider than 0.96"


def test_rows_within_the_distance_share_a_clique():
    scores = np.array([[3.0] * 6, [2.0] * 6, [1.0] * 6])
    found = critical_difference(NAMES, scores)
    assert found.distance > 1
    assert found.cliques == ((0, 1), (1, 2))


def test_without_a_significant_friedman_test_all_rows_are_tied():
    scores = np.array([[1, 2, 3, 1, 2, 3], [2, 3, 1, 2, 3, 1], [3, 1, 2, 3, 1, 2]], dtype=float)
    found = critical_difference(NAMES, scores)
    assert found.p_value > 0.05
    assert found.cliques == ((0, 2),)


@pytest.mark.parametrize("shape", [(2, 12), (3, 5)], ids=["two rows", "five tasks"])
def test_too_few_rows_or_tasks_have_no_diagram(shape):
    assert critical_difference(NAMES[: shape[0]], np.random.default_rng(0).random(shape)) is None
