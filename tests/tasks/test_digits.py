from pathlib import Path

import numpy as np
import pytest
from archarena.harness import Splits, Streams
from archarena.harness.data.seeds import generator
from archarena.tasks.digits import Digits, DigitsImage
from sklearn.datasets import load_digits


@pytest.fixture(scope="module")
def splits() -> Splits:
    return Digits().splits(Path(), Streams(generator("train"), generator("fixed")))


def test_every_picture_is_in_one_split(splits: Splits):
    values = [split.inputs["values"] for split in (splits.train, splits.valid, splits.tests["test"])]
    rows = np.concatenate(values)[..., 0]
    pixels = np.asarray(load_digits().data) / 16
    assert rows.shape == (1797, 64)
    np.testing.assert_array_equal(np.sort(rows, axis=0), np.sort(pixels.astype(np.float32), axis=0))
    assert len(np.unique(rows, axis=0)) == 1797


def test_splits_hold_all_digits_alike(splits: Splits):
    share = np.bincount(splits.tests["test"].targets) / np.bincount(np.asarray(load_digits().target))
    np.testing.assert_allclose(share, 0.2, atol=0.006)
    assert len(splits.valid) == pytest.approx(180, abs=10)


def test_labels_stay_with_their_pictures(splits: Splits):
    pictures, labels = (np.asarray(array) for array in load_digits(return_X_y=True))
    label_of = {
        (picture / 16).astype(np.float32).tobytes(): label for picture, label in zip(pictures, labels, strict=True)
    }
    test = splits.tests["test"]
    for picture, label in zip(test.inputs["values"], test.targets, strict=True):
        assert label_of[picture.tobytes()] == label


def test_the_split_does_not_depend_on_any_stream(splits: Splits):
    other = Digits().splits(Path(), Streams(generator("a"), generator("b")))
    np.testing.assert_array_equal(other.tests["test"].targets, splits.tests["test"].targets)


def test_logistic_regression_is_far_above_the_majority(splits: Splits):
    references = {score.name: score.value for score in Digits().reference_scores(splits)}
    assert references["majority"] < 0.12
    assert references["logistic regression"] > 0.9


def test_a_limit_leaves_the_test_set_alone(splits: Splits):
    small = Digits(limit=50).splits(Path(), Streams(generator("train"), generator("fixed")))
    assert len(small.train) == 50
    assert len(small.tests["test"]) == len(splits.tests["test"])


def test_images_are_the_sequences_in_two_dimensions_scaled_to_both_signs(splits: Splits):
    images = DigitsImage().splits(Path(), Streams(generator("train"), generator("fixed")))
    for name in splits.tests:
        sequence, image = splits.tests[name], images.tests[name]
        np.testing.assert_array_equal(image.targets, sequence.targets)
        assert image.inputs["pixels"].shape == (len(sequence), 1, 8, 8)
        np.testing.assert_allclose(image.inputs["pixels"].reshape(-1, 64, 1), 2 * sequence.inputs["values"] - 1)
