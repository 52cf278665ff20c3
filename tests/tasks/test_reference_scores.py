import numpy as np
import pytest
from archarena.tasks.reference_scores import fit_logistic, majority_score


def test_majority_is_that_of_training_scored_on_test():
    score = majority_score(np.array([1, 1, 2]), np.array([[1, 2], [2, -100]]), "last")
    assert (score.evaluation, score.name) == ("last", "majority")
    assert score.value == pytest.approx(1 / 3)


def test_positions_that_are_not_scored_do_not_count_as_a_class():
    assert majority_score(np.array([-100, -100, 3]), np.array([3, 3])).value == 1.0


def test_logistic_regression_separates_what_is_separable():
    features = np.array([[-1.0], [-0.5], [0.5], [1.0]])
    assert fit_logistic(features, np.array([0, 0, 1, 1])).score(features, [0, 0, 1, 1]) == 1.0
