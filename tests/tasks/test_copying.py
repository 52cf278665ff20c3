from pathlib import Path

import numpy as np
import pytest
from archarena.harness import Splits, Streams, UserError
from archarena.harness.data.seeds import generator
from archarena.tasks.copying import MARKER, NOISE, SYMBOLS, SelectiveCopying

LENGTH, COUNT = 40, 6


@pytest.fixture(scope="module")
def task() -> SelectiveCopying:
    return SelectiveCopying(LENGTH, COUNT, train=3_000, valid=100, test=1_000)


@pytest.fixture(scope="module")
def splits(task: SelectiveCopying) -> Splits:
    return task.splits(Path(), Streams(generator("train"), generator("fixed")))


def test_the_tokens_are_repeated_in_order_at_the_markers(splits: Splits):
    test = splits.tests["test"]
    for row, target in zip(test.inputs["tokens"], test.targets, strict=True):
        assert (row[-COUNT:] == MARKER).all()
        assert target[-COUNT:].tolist() == [token for token in row if token <= SYMBOLS]
        assert (target[:-COUNT] == -100).all()


def test_the_rest_is_noise(splits: Splits):
    tokens = splits.train.inputs["tokens"]
    assert ((tokens == NOISE).sum(axis=1) == LENGTH - 2 * COUNT).all()
    assert tokens.min() >= 1


def test_every_place_and_every_symbol_is_equally_likely(splits: Splits):
    tokens = splits.train.inputs["tokens"][:, :-COUNT]
    np.testing.assert_allclose((tokens <= SYMBOLS).mean(axis=0), COUNT / (LENGTH - COUNT), atol=0.04)
    shares = np.bincount(tokens[tokens <= SYMBOLS], minlength=SYMBOLS + 1)[1:] / (3_000 * COUNT)
    np.testing.assert_allclose(shares, 1 / SYMBOLS, atol=0.01)


def test_a_blind_guess_scores_one_in_fourteen(task: SelectiveCopying, splits: Splits):
    answers = splits.tests["test"].targets[:, -COUNT:]
    guesses = np.random.default_rng(0).integers(1, SYMBOLS + 1, answers.shape)
    (chance,) = task.reference_scores(splits)
    assert chance.value == 1 / 14
    assert np.mean(answers == guesses) == pytest.approx(chance.value, abs=0.012)


def test_tokens_that_do_not_fit_are_refused():
    with pytest.raises(UserError, match="need a length of 12; found 11"):
        SelectiveCopying(11, 6, 1, 1, 1)
