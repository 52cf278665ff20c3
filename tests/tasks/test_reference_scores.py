import numpy as np
import pytest
from archarena.harness import Split
from archarena.tasks.reference_scores import fit_logistic, majority_score, window_score


def test_majority_is_that_of_training_scored_on_test():
    score = majority_score(np.array([1, 1, 2]), np.array([[1, 2], [2, -100]]), "last")
    assert (score.evaluation, score.name) == ("last", "majority")
    assert score.value == pytest.approx(1 / 3)


def test_positions_that_are_not_scored_do_not_count_as_a_class():
    assert majority_score(np.array([-100, -100, 3]), np.array([3, 3])).value == 1.0


def test_logistic_regression_separates_what_is_separable():
    features = np.array([[-1.0], [-0.5], [0.5], [1.0]])
    assert fit_logistic(features, np.array([0, 0, 1, 1])).score(features, [0, 0, 1, 1]) == 1.0


def test_a_window_answers_what_followed_it_most_often():
    train = Split(
        {"tokens": np.array([[1, 2, 1], [1, 2, 2], [1, 2, 1], [1, 2, 1]])},
        np.array([[0, 1, 3], [0, 1, 3], [0, 2, 3], [-100, 1, 3]]),
    )
    test = Split({"tokens": np.array([[1, 2, 2], [2, 1, 1]])}, np.array([[0, 1, 3], [3, 2, -100]]))
    assert (
        window_score(train, test, 2).value == 4 / 5
    )  # (start, 1), (1, 2), (2, 2) and, never seen, (start, 2); wrong: (2, 1)
