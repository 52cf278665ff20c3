from pathlib import Path

import numpy as np
import pytest
from archarena.harness import Splits, Streams, UserError
from archarena.harness.data.seeds import generator
from archarena.tasks.a5 import ORDER, A5WordProblem
from archarena.tasks.groups import alternating


def splits_of(**changes) -> Splits:
    arguments = {"length": 6, "train": 500, "valid": 50, "test": 500, "pairs": 500} | changes
    return A5WordProblem(**arguments).splits(Path(), Streams(generator("train"), generator("fixed")))


def test_targets_are_running_products():
    split = splits_of().tests["test"]
    for word, target in zip(split.inputs["tokens"][:50], split.targets[:50], strict=True):
        state = 0
        for token, expected in zip(word, target, strict=True):
            state = alternating(5)[state, token - 1]
            assert state == expected


def test_training_also_sees_pairs_and_pads_them():
    train = splits_of().train
    assert train.inputs["lengths"].tolist() == [6] * 500 + [2] * 500
    assert train.groups["separate"].tolist() == [False] * 500 + [True] * 500
    pairs, targets = train.inputs["tokens"][500:], train.targets[500:]
    assert (pairs[:, :2] > 0).all()
    assert not pairs[:, 2:].any()
    assert (targets[:, 2:] == -100).all()
    np.testing.assert_array_equal(targets[:, 1], alternating(5)[pairs[:, 0] - 1, pairs[:, 1] - 1])


def test_a_small_space_is_shared_out_without_overlap():
    splits = splits_of(length=3, train=60_000, valid=1_000, test=30_000, pairs=0)
    rows = [split.inputs["tokens"] for split in (splits.train, splits.valid, splits.tests["test"])]
    assert len(np.unique(np.concatenate(rows), axis=0)) == 91_000


def test_the_second_column_scores_last_positions():
    splits = splits_of()
    test, last = splits.tests["test"], splits.tests["last"]
    assert (last.targets[:, :-1] == -100).all()
    np.testing.assert_array_equal(last.targets[:, -1], test.targets[:, -1])


def test_every_state_is_equally_likely_at_every_position():
    targets = splits_of(test=30_000).tests["test"].targets
    for position in targets.T:
        np.testing.assert_allclose(np.bincount(position, minlength=ORDER) / 30_000, 1 / ORDER, atol=0.005)


def test_rows_as_short_as_the_pairs_are_refused():
    with pytest.raises(UserError, match="at least 3"):
        splits_of(length=2)
