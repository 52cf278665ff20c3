from pathlib import Path

import numpy as np
import pytest
from archarena.harness import Splits, Streams, UserError
from archarena.harness.data.seeds import generator
from archarena.tasks.noisy_recall import NoisyRecall

KEYS, VALUES, NOISE, LENGTH = 5, 6, 7, 30


@pytest.fixture(scope="module")
def task() -> NoisyRecall:
    return NoisyRecall(KEYS, VALUES, NOISE, 0.25, LENGTH, train=2_000, valid=100, test=1_000)


@pytest.fixture(scope="module")
def splits(task: NoisyRecall) -> Splits:
    return task.splits(Path(), Streams(generator("train"), generator("fixed")))


def test_targets_are_the_values_that_the_row_gave_to_its_keys(splits: Splits):
    test = splits.tests["test"]
    for tokens, targets in zip(test.inputs["tokens"], test.targets, strict=True):
        known, expected = {}, np.full(LENGTH - 1, -100)
        for place in range(0, LENGTH, 2):
            key = tokens[place]
            if key <= KEYS:
                expected[place] = known.get(key, -100)
                known.setdefault(key, tokens[place + 1] if place + 1 < LENGTH - 1 else None)
        np.testing.assert_array_equal(targets, expected)
        assert targets[-1] != -100


def test_a_pair_is_a_key_and_a_value_or_two_noise_tokens(splits: Splits):
    tokens = splits.train.inputs["tokens"]
    first, second = tokens[:, :-1:2], tokens[:, 1::2]
    noisy = first > KEYS + VALUES
    assert ((second > KEYS + VALUES) == noisy).all()
    assert (first[~noisy] <= KEYS).all()
    assert ((second[~noisy] > KEYS) & (second[~noisy] <= KEYS + VALUES)).all()
    pairs = LENGTH // 2 - 1
    assert noisy.mean() == pytest.approx(0.25 * (pairs - 1) / pairs, abs=0.01)
    assert set(np.unique(tokens)) == set(range(1, 1 + KEYS + VALUES + NOISE))


def test_training_rows_score_every_next_token(splits: Splits):
    tokens, targets = splits.train.inputs["tokens"], splits.train.targets
    np.testing.assert_array_equal(targets[:, :-1], tokens[:, 1:])


def test_the_commonest_value_is_a_better_guess_than_any(task: NoisyRecall, splits: Splits):
    references = {score.name: score.value for score in task.reference_scores(splits)}
    assert references["any value"] == 1 / VALUES
    assert 1 / VALUES + 0.05 < references["commonest value"] < 0.7


def test_rows_of_half_pairs_are_refused():
    with pytest.raises(UserError, match="even length of at least 4; found 9"):
        NoisyRecall(KEYS, VALUES, NOISE, 0.2, 9, 1, 1, 1)
