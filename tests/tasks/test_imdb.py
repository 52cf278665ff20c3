"""The task on small data in the format of IMDb, and on IMDb itself if it is available."""

import os
from dataclasses import replace
from pathlib import Path

import pytest
from archarena.harness.data.prepare import streams
from archarena.tasks.imdb import IMDB, IMDbBytes
from files import reviews


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    """Return a task on 2,600 training and 80 test reviews, and its data folder."""
    folder = tmp_path_factory.mktemp("data")
    task = IMDbBytes(length=32, train=100, valid=200, test=60)
    task.dataset = replace(IMDB, **reviews.imdb(folder, {"train": 2_600, "test": 80}))
    return task, folder


def read(split) -> list[str]:
    rows = zip(split.inputs["tokens"], split.inputs["lengths"], strict=True)
    return [bytes(tokens[:length].astype(int).tolist()).decode() for tokens, length in
            ((tokens - 1, length) for tokens, length in rows)]  # fmt: skip


def test_rows_are_the_heads_of_reviews_with_their_labels(small):
    task, folder = small
    splits = task.splits(folder, streams("lra-text", "smoke", 0))
    assert [len(splits.train), len(splits.valid), len(splits.tests["test"])] == [100, 200, 60]
    for text, label in zip(read(splits.train), splits.train.targets, strict=True):
        assert text.startswith("train ")
        assert len(text) == 32
        assert any(word[:3] in text for word in reviews.WORDS[label])


def test_validation_rows_are_never_trained_on(small):
    task, folder = small
    valid = set(read(task.splits(folder, streams("lra-text", "smoke", 0)).valid))
    for seed in range(5):
        assert not valid & set(read(task.splits(folder, streams("lra-text", "smoke", seed)).train))


def test_the_seed_moves_the_training_rows_alone(small):
    task, folder = small
    one, other = (task.splits(folder, streams("lra-text", "smoke", seed)) for seed in (0, 1))
    again = task.splits(folder, streams("lra-text", "smoke", 0))
    assert read(one.train) != read(other.train)
    assert read(one.train) == read(again.train)
    assert read(one.valid) == read(other.valid)
    assert read(one.tests["test"]) == read(other.tests["test"])


def test_reference_scores_tell_what_rules_without_order_reach(small):
    task, folder = small
    references = {
        score.name: score.value for score in task.reference_scores(task.splits(folder, streams("lra-text", "smoke", 0)))
    }
    assert references["majority"] == pytest.approx(0.5, abs=0.15)
    assert references["bag of words"] > 0.95
    assert references["byte counts"] > 0.8


@pytest.mark.skipif("ARCHARENA_DATA" not in os.environ, reason="needs the real reviews: set ARCHARENA_DATA")
def test_the_real_reviews_are_read_whole():
    data = Path(os.environ["ARCHARENA_DATA"])
    if IMDB.find(data) is None:
        pytest.skip(IMDB.missing(data))
    train = IMDB.read(data, "train")
    assert len(train) == 25_000
    assert train["label"].sum() == 12_500
    splits = IMDbBytes(**IMDbBytes.arguments["smoke"]).splits(data, streams("lra-text", "smoke", 0))
    assert set(splits.train.targets.tolist()) == {0, 1}
