from pathlib import Path

import numpy as np
import pytest
from archarena.harness import Labels, Splits, Streams
from archarena.harness.data.seeds import generator
from archarena.tasks.compression import Compression


@pytest.fixture(scope="module")
def task() -> Compression:
    return Compression(symbols=5, length=9, train=2_000, valid=100, test=1_000)


@pytest.fixture(scope="module")
def splits(task: Compression) -> Splits:
    return task.splits(Path(), Streams(generator("train"), generator("fixed")))


def test_targets_are_the_symbols_before_the_last_token(task: Compression, splits: Splits):
    assert task.spec.outputs == Labels(8, 5)
    for split in (splits.train, splits.valid, splits.tests["test"]):
        tokens = split.inputs["tokens"]
        np.testing.assert_array_equal(split.targets, tokens[:, :-1] - 1)
        assert (tokens[:, -1] == 6).all()


def test_symbols_are_drawn_evenly(splits: Splits):
    np.testing.assert_allclose(np.bincount(splits.train.targets.ravel()) / splits.train.targets.size, 0.2, atol=0.015)


def test_no_guess_without_the_row_beats_chance(task: Compression, splits: Splits):
    references = {score.name: score.value for score in task.reference_scores(splits)}
    assert references["any symbol"] == 0.2
    assert references["majority"] == pytest.approx(0.2, abs=0.02)
