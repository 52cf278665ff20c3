from pathlib import Path

import numpy as np
import pytest
from archarena.harness import Split, Splits, Streams
from archarena.harness.data.seeds import generator
from archarena.tasks.recall_baselines import single_recall_scores
from archarena.tasks.single_recall import SingleQueryRecall, SingleQueryRecallGrid

V, CONTEXT = 20, 40


@pytest.fixture(scope="module")
def task() -> SingleQueryRecall:
    return SingleQueryRecall(V, CONTEXT, train=2_000, valid=100, test=2_000)


@pytest.fixture(scope="module")
def splits(task: SingleQueryRecall) -> Splits:
    return task.splits(Path(), Streams(generator("train"), generator("fixed")))


def test_rows_are_pairs_then_the_sign_and_a_key_that_occurred(splits: Splits):
    tokens = splits.train.inputs["tokens"]
    keys, values = tokens[:, :CONTEXT:2], tokens[:, 1:CONTEXT:2]
    assert tokens.shape[1] == CONTEXT + 2
    assert set(np.unique(keys)) == set(range(1, 10))
    assert set(np.unique(values)) == set(range(10, 19))
    assert (tokens[:, -2] == V - 1).all()
    assert (tokens[:, -1:] == keys).any(axis=1).all()


def test_one_map_holds_for_a_whole_row_and_gives_the_answer(splits: Splits):
    test = splits.tests["test"]
    for row, target in zip(test.inputs["tokens"].tolist(), test.targets.tolist(), strict=True):
        value_of = dict(zip(row[:CONTEXT:2], row[1:CONTEXT:2], strict=True))
        assert all(value_of[key] == value for key, value in zip(row[:CONTEXT:2], row[1:CONTEXT:2], strict=True))
        assert target[-1] == value_of[row[-1]]


def test_training_scores_every_position_and_tests_the_last(splits: Splits):
    train = splits.train
    np.testing.assert_array_equal(train.targets[:, :-1], train.inputs["tokens"][:, 1:])
    for held_out in (splits.valid, splits.tests["test"]):
        assert (held_out.targets[:, :-1] == -100).all()
        assert (held_out.targets[:, -1] >= 10).all()


def test_keys_that_occur_are_asked_alike(splits: Splits):
    asked = splits.train.inputs["tokens"][:, -1]
    np.testing.assert_allclose(np.bincount(asked, minlength=10)[1:10] / len(asked), 1 / 9, atol=0.03)


def test_a_blind_guess_among_values_scores_the_chance(task: SingleQueryRecall, splits: Splits):
    answers = splits.tests["test"].targets[:, -1]
    guesses = np.random.default_rng(0).integers(10, 19, len(answers))
    chance = task.reference_scores(splits)[0]
    assert chance.kind == "chance"
    assert np.mean(answers == guesses) == pytest.approx(chance.value, abs=0.03)


def test_the_small_published_vocabulary_has_a_chance_of_a_quarter():
    task = SingleQueryRecall(10, 20, 30, 1, 1)
    splits = task.splits(Path(), Streams(generator("train"), generator("fixed")))
    assert task.reference_scores(splits)[0].value == 0.25


def test_a_grid_gives_a_column_to_each_vocabulary_and_length():
    grid = SingleQueryRecallGrid([10, 20], [8, 16], train=30, valid=5, test=200)
    made = grid.splits(Path(), Streams(generator("train"), generator("fixed")))
    assert list(made.tests) == ["v10-l8", "v10-l16", "v20-l8", "v20-l16"]
    assert len(made.train) == 4 * 30
    small, large = (made.tests[name].targets[:, -1] for name in ("v10-l8", "v20-l8"))
    assert set(small) == set(range(10, 14))
    assert set(large) == set(range(10, 19))
    references = {score.evaluation: score.value for score in grid.reference_scores(made) if score.kind == "chance"}
    assert references == {"v10-l8": 0.25, "v10-l16": 0.25, "v20-l8": 1 / 9, "v20-l16": 1 / 9}


def test_counts_of_keys_and_values_beat_the_chance_at_quick():
    task = SingleQueryRecall(**SingleQueryRecall.arguments["quick"])
    splits = task.splits(Path(), Streams(generator("train"), generator("fixed")))
    found = {score.name: score.value for score in task.reference_scores(splits)}
    assert found == pytest.approx(
        {"any value": 0.25, "commonest value": 0.50, "nearest count": 0.54, "count model": 0.70}, abs=0.025
    )


def test_a_count_baseline_names_the_value_that_occurs_as_often_as_the_key():
    # Key 1 occurs twice and has the value 6, which also occurs twice; the value 7 occurs three times.
    tokens = np.array([[1, 6, 2, 7, 1, 6, 2, 7, 3, 7, 9, 1]])
    test = Split({"tokens": tokens}, np.where(np.arange(12) == 11, 6, -100)[None])
    found = {score.name: score.value for score in single_recall_scores("", test, 10)}
    assert found == {"commonest value": 0.0, "nearest count": 1.0}
