from pathlib import Path

import pytest
from archarena.harness import Splits, Streams
from archarena.harness.data.seeds import generator
from archarena.tasks.memorization import Memorization

KEYS = 20


@pytest.fixture(scope="module")
def task() -> Memorization:
    return Memorization(KEYS, length=12, train=500, valid=50, test=200)


@pytest.fixture(scope="module")
def splits(task: Memorization) -> Splits:
    return task.splits(Path(), Streams(generator("train"), generator("fixed")))


def test_one_map_gives_the_values_of_all_splits_and_different_keys_have_different_values(splits: Splits):
    values = {}
    for split in (splits.train, splits.valid, splits.tests["test"]):
        for key, value in zip(split.inputs["tokens"][:, ::2].ravel(), split.targets[:, 1::2].ravel(), strict=True):
            assert values.setdefault(int(key), int(value)) == value
    assert set(values) == set(range(1, KEYS + 1))
    assert len(set(values.values())) == KEYS


def test_the_map_does_not_depend_on_the_seed(task: Memorization, splits: Splits):
    other = task.splits(Path(), Streams(generator("train", 1), generator("fixed")))
    pairs = {(k, v) for k, v in zip(other.train.inputs["tokens"][0, ::2], other.train.targets[0, 1::2], strict=True)}
    known = zip(splits.train.inputs["tokens"][:, ::2].ravel(), splits.train.targets[:, 1::2].ravel(), strict=True)
    assert pairs <= set(known)


def test_rows_contain_no_value(splits: Splits):
    tokens, targets = splits.train.inputs["tokens"], splits.train.targets
    assert (tokens[:, 1::2] == KEYS + 1).all()
    assert tokens[:, ::2].max() <= KEYS
    assert (targets[:, ::2] == -100).all()


def test_a_lookup_of_training_pairs_knows_everything(task: Memorization, splits: Splits):
    references = {score.name: score.value for score in task.reference_scores(splits)}
    assert references == {"any value": 1 / (KEYS + 1), "training pairs": 1.0}
