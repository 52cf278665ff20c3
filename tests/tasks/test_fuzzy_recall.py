from pathlib import Path

import numpy as np
import pytest
from archarena.harness import Splits, Streams, UserError
from archarena.harness.data.seeds import generator
from archarena.tasks.fuzzy_recall import FuzzyRecall

KEYS, VALUES, FILLER, LENGTH = 5, 6, 12, 40


@pytest.fixture(scope="module")
def task() -> FuzzyRecall:
    return FuzzyRecall(KEYS, VALUES, key_size=2, value_size=3, length=LENGTH, train=1_000, valid=50, test=500)


@pytest.fixture(scope="module")
def splits(task: FuzzyRecall) -> Splits:
    return task.splits(Path(), Streams(generator("train"), generator("fixed")))


def whole_rows(split) -> np.ndarray:
    """Return the rows with their last token, which is always scored."""
    return np.concatenate([split.inputs["tokens"], split.targets[:, -1:]], axis=1)


def pairs_of(row: np.ndarray) -> list[tuple[int, tuple[int, ...], tuple[int, ...]]]:
    """Return the place of each pair's value, its key and its value."""
    pairs, place = [], int((row != FILLER).argmax())
    while place < len(row):
        middle = next(p for p in range(place, len(row)) if row[p] > KEYS)
        end = next((p for p in range(middle, len(row)) if row[p] <= KEYS), len(row))
        pairs.append((middle, tuple(row[place:middle].tolist()), tuple(row[middle:end].tolist())))
        place = end
    return pairs


def test_scored_tokens_are_the_values_of_repeated_keys(splits: Splits):
    test = splits.tests["test"]
    for row, targets in zip(whole_rows(test), test.targets, strict=True):
        known, expected = {}, np.full(LENGTH, -100)
        for place, key, value in pairs_of(row):
            if key in known:
                expected[place - 1 : place - 1 + len(value)] = value
                assert known[key] == value
            known[key] = value
        np.testing.assert_array_equal(targets, expected)
        assert targets[-1] != -100


def test_motifs_have_different_tokens_and_all_sizes(splits: Splits):
    rows = whole_rows(splits.train)
    pairs = [pair for row in rows for pair in pairs_of(row)]
    assert all(len(set(motif)) == len(motif) for _, *motifs in pairs for motif in motifs)
    shares = np.bincount([len(key) for _, key, _ in pairs])[1:] / len(pairs)
    np.testing.assert_allclose(shares, 1 / 2, atol=0.03)
    shares = np.bincount([len(value) for _, _, value in pairs])[1:] / len(pairs)
    np.testing.assert_allclose(shares, 1 / 3, atol=0.03)


def test_test_rows_have_keys_of_the_largest_size(splits: Splits):
    for row in whole_rows(splits.tests["test"])[:100]:
        assert {len(key) for _, key, _ in pairs_of(row)} == {2}


def test_training_rows_score_every_token_but_fillers(splits: Splits):
    tokens, targets = splits.train.inputs["tokens"], splits.train.targets
    np.testing.assert_array_equal(targets[:, :-1], np.where(tokens[:, 1:] == FILLER, -100, tokens[:, 1:]))


def test_rows_too_short_for_two_pairs_are_refused():
    with pytest.raises(UserError, match="need a length of 10; found 9"):
        FuzzyRecall(KEYS, VALUES, 2, 3, 9, 1, 1, 1)
