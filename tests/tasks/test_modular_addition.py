from pathlib import Path

import numpy as np
import pytest
from archarena.harness import Splits, Streams, UserError
from archarena.harness.data.seeds import generator
from archarena.tasks.modular_addition import ModularAddition

P = 13


@pytest.fixture(scope="module")
def task() -> ModularAddition:
    return ModularAddition(P, share=0.5, valid=24, test=40)


@pytest.fixture(scope="module")
def splits(task: ModularAddition) -> Splits:
    return task.splits(Path(), Streams(generator("train"), generator("fixed")))


def test_rows_ask_for_sums_and_answer_them_at_the_last_token(splits: Splits):
    for split in (splits.train, splits.valid, splits.tests["test"]):
        a, plus, b, equals = split.inputs["tokens"].T.astype(int)
        assert (plus == P + 1).all()
        assert (equals == P + 2).all()
        np.testing.assert_array_equal(split.targets[:, -1], (a - 1 + b - 1) % P)
        assert (split.targets[:, :-1] == -100).all()


def test_the_training_rows_are_the_given_share_of_all_pairs(splits: Splits):
    assert len(splits.train) == round(0.5 * P**2)
    assert len(np.unique(splits.train.inputs["tokens"], axis=0)) == len(splits.train)


def test_a_mirrored_pair_is_looked_up(task: ModularAddition, splits: Splits):
    known = {tuple(row) for row in splits.train.inputs["tokens"][:, [0, 2]].tolist()}
    test = splits.tests["test"].inputs["tokens"][:, [2, 0]].tolist()
    share = np.mean([1.0 if tuple(row) in known else 1 / P for row in test])
    (score,) = task.reference_scores(splits)
    assert score.value == pytest.approx(share)
    assert 0.3 < share < 0.75


def test_more_rows_than_pairs_are_refused():
    with pytest.raises(UserError, match=r"There are 169 pairs modulo 13"):
        ModularAddition(P, share=0.9, valid=20, test=40)
