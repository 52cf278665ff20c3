from pathlib import Path

import numpy as np
import pytest
from archarena.harness import Splits, Streams
from archarena.harness.data.seeds import generator
from archarena.tasks.listops import ListOps
from archarena.tasks.listops_trees import VOCABULARY


@pytest.fixture(scope="module")
def task() -> ListOps:
    return ListOps(longer_than=10, shorter_than=65, train=2_000, valid=100, test=1_000)


@pytest.fixture(scope="module")
def splits(task: ListOps) -> Splits:
    return task.splits(Path(), Streams(generator("train"), generator("fixed")))


def test_lengths_count_the_tokens_and_lie_between_the_bounds(splits: Splits):
    tokens, lengths = splits.train.inputs["tokens"], splits.train.inputs["lengths"]
    np.testing.assert_array_equal(lengths, (tokens != 0).sum(axis=1))
    assert lengths.min() > 10
    assert lengths.max() < 65


def test_all_trees_differ(splits: Splits):
    rows = [split.inputs["tokens"] for split in (splits.train, splits.valid, splits.tests["test"])]
    assert len(np.unique(np.concatenate(rows), axis=0)) == 3_100


def test_the_first_operator_tells_much_in_short_trees(task: ListOps, splits: Splits):
    references = {score.name: score.value for score in task.reference_scores(splits)}
    assert references["first operator"] > references["majority"] + 0.1
    assert references["majority"] == pytest.approx(np.bincount(splits.tests["test"].targets).max() / 1_000, abs=0.05)


def test_the_reference_score_first_operator_is_a_rule_learnt_in_training(task: ListOps, splits: Splits):
    train, test = splits.train, splits.tests["test"]
    right = 0
    for operator in (VOCABULARY.index(name) for name in ("[MIN", "[MAX", "[MED", "[SM")):
        guess = np.bincount(train.targets[train.inputs["tokens"][:, 0] == operator]).argmax()
        right += int((test.targets[test.inputs["tokens"][:, 0] == operator] == guess).sum())
    assert {score.name: score.value for score in task.reference_scores(splits)}["first operator"] == right / 1_000
