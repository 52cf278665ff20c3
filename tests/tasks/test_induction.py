from pathlib import Path

import numpy as np
import pytest
from archarena.harness import Splits, Streams
from archarena.harness.data.seeds import generator
from archarena.tasks.induction import InductionHeads

TRIGGER = 16


@pytest.fixture(scope="module")
def task() -> InductionHeads:
    return InductionHeads(TRIGGER, length=64, times=[0.25, 2, 4], train=3_000, valid=100, test=3_000)


@pytest.fixture(scope="module")
def splits(task: InductionHeads) -> Splits:
    return task.splits(Path(), Streams(generator("train"), generator("fixed")))


def all_splits(splits: Splits):
    return [splits.train, splits.valid, *splits.tests.values()]


def test_the_trigger_stands_once_in_the_row_and_at_its_end(splits: Splits):
    for split in all_splits(splits):
        tokens = split.inputs["tokens"]
        assert ((tokens == TRIGGER).sum(axis=1) == 2).all()
        assert (tokens[:, -1] == TRIGGER).all()
        assert (tokens > 0).all()


def test_the_answer_is_an_ordinary_token_after_the_first_trigger(splits: Splits):
    for split in all_splits(splits):
        tokens, targets = split.inputs["tokens"], split.targets
        after = (tokens == TRIGGER).argmax(axis=1) + 1
        np.testing.assert_array_equal(targets[:, -1], tokens[np.arange(len(tokens)), after])
        assert targets[:, -1].max() < TRIGGER
        assert (targets[:, :-1] == -100).all()


def test_the_first_trigger_may_stand_anywhere(splits: Splits):
    places = (splits.train.inputs["tokens"] == TRIGGER).argmax(axis=1)
    assert set(places) == set(range(62))


def test_longer_tests_stay_within_the_length_the_model_is_built_for(task: InductionHeads, splits: Splits):
    widths = {name: split.inputs["tokens"].shape[1] for name, split in splits.tests.items()}
    assert widths == {"test": 64, "0.25x": 16, "2x": 128, "4x": 256}
    assert splits.train.inputs["tokens"].shape[1] == 64
    assert task.spec.inputs.length == 256


def test_a_blind_guess_among_ordinary_tokens_scores_the_chance(task: InductionHeads, splits: Splits):
    references = {score.evaluation: score for score in task.reference_scores(splits)}
    assert set(references) == {"", "0.25x", "2x", "4x"}
    guesses = np.random.default_rng(0).integers(1, TRIGGER, 3_000)
    for name, test in (("", "test"), ("0.25x", "0.25x"), ("4x", "4x")):
        right = np.mean(splits.tests[test].targets[:, -1] == guesses)
        assert right == pytest.approx(references[name].value, abs=0.02)
