from pathlib import Path

import numpy as np
import pytest
from archarena.harness import Streams
from archarena.harness.data.seeds import generator
from archarena.tasks.signature import SignatureArea, SignatureVolume, signature


def splits_of(cls, **changes):
    arguments = {"points": 100, "train": 2_000, "valid": 200, "test": 2_000} | changes
    task = cls(**arguments)
    return task, task.splits(Path(), Streams(generator("train"), generator("fixed")))


def test_level_two_of_a_closed_square_is_its_area():
    square = np.array([[[0, 0], [2, 0], [2, 2], [0, 2], [0, 0]]])
    first, second, _ = signature(square)
    assert not first.any()
    assert (second[0, 0, 1] - second[0, 1, 0]) / 2 == pytest.approx(4.0)


def test_a_straight_line_gives_powers_over_factorials():
    line = np.array([[[0, 0, 0], [1, 2, 3]]])
    first, second, third = signature(line)
    np.testing.assert_allclose(first[0], [1, 2, 3])
    np.testing.assert_allclose(second[0], np.outer(first[0], first[0]) / 2)
    np.testing.assert_allclose(third[0, 0, 1, 2], 1 * 2 * 3 / 6)


def test_splitting_a_line_changes_nothing():
    rng = np.random.default_rng(0)
    path = rng.integers(-3, 4, (5, 8, 3))
    finer = np.stack([path[:, :-1], (path[:, :-1] + path[:, 1:]) / 2], axis=2).reshape(5, -1, 3)
    finer = np.concatenate([finer, path[:, -1:]], axis=1)
    for coarse, fine in zip(signature(path), signature(finer), strict=True):
        np.testing.assert_allclose(coarse, fine, atol=1e-9)


def test_levels_are_iterated_integrals_by_brute_force():
    """S123 is the sum over i <= j <= k of step products, with 1/2 and 1/6 where steps coincide."""
    path = np.random.default_rng(1).integers(-2, 3, (1, 7, 3))
    steps, expected = np.diff(path[0], axis=0), 0.0
    for i in range(6):
        for j in range(i, 6):
            for k in range(j, 6):
                weight = {1: 1 / 6, 2: 1 / 2, 3: 1.0}[len({i, j, k})]
                expected += weight * steps[i, 0] * steps[j, 1] * steps[k, 2]
    assert signature(path)[2][0, 0, 1, 2] == pytest.approx(expected)


@pytest.mark.parametrize(("cls", "published"), [(SignatureArea, 0.112), (SignatureVolume, 0.0585)])
def test_the_zero_predictor_errs_about_as_published(cls, published):
    """The published error is relative to the largest of 100,000 labels; here it is that of 50,000."""
    targets = cls.target(None, np.round(np.random.default_rng(0).normal(size=(50_000, 100, cls.channels))).cumsum(1))
    assert np.sqrt(np.mean(targets**2)) / np.abs(targets).max() == pytest.approx(published, rel=0.35)


def test_the_reference_score_zero_is_the_spread_of_the_targets():
    task, splits = splits_of(SignatureArea)
    zero = next(score for score in task.reference_scores(splits) if score.name == "zero")
    assert zero.value == pytest.approx(float(np.sqrt(np.mean(splits.tests["test"].targets ** 2))))


def test_held_out_values_and_targets_do_not_move_with_the_seed_and_stay_within_1():
    task, splits = splits_of(SignatureArea)
    other = task.splits(Path(), Streams(generator("another"), generator("fixed")))
    np.testing.assert_array_equal(splits.tests["test"].targets, other.tests["test"].targets)
    assert np.abs(splits.tests["test"].inputs["values"]).max() <= 1
    assert np.abs(splits.tests["test"].targets).max() <= 1
    assert splits.train.targets.dtype == np.float32


def test_steps_are_rounded_normal_numbers():
    _, splits = splits_of(SignatureArea)
    values = splits.train.inputs["values"]
    unit = np.abs(np.diff(values, axis=1))[np.abs(np.diff(values, axis=1)) > 1e-6].min()
    steps = np.diff(values, axis=1) / unit
    np.testing.assert_allclose(steps, np.round(steps), atol=1e-3)
    assert np.mean(np.round(steps) == 0) == pytest.approx(0.383, abs=0.01)


def test_end_points_explain_half_of_the_area_at_best():
    task, splits = splits_of(SignatureArea)
    references = {score.name: score.value for score in task.reference_scores(splits)}
    assert 0.3 * references["zero"] < references["end points"] < 0.9 * references["zero"]
