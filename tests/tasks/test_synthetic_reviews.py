from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from archarena.harness import Splits, Streams
from archarena.harness.data.seeds import generator
from archarena.tasks.synthetic_reviews import SyntheticReviews

WORDS = 8


@pytest.fixture(scope="module")
def task() -> SyntheticReviews:
    return SyntheticReviews(WORDS, phrases=6, train=4_000, valid=100, test=1_000)


@pytest.fixture(scope="module")
def splits(task: SyntheticReviews) -> Splits:
    return task.splits(Path(), Streams(generator("train"), generator("fixed")))


def words_of(split) -> list[list[str]]:
    rows = zip(split.inputs["tokens"], split.inputs["lengths"], strict=True)
    return [bytes((row[:length] - 1).astype(np.uint8)).decode().split(" ") for row, length in rows]


def meanings(task: SyntheticReviews) -> dict[str, int | None]:
    """Return the opinion of each word, None for negations, from the lexicon that the task draws first."""
    lexicon = task._lexicon(generator("fixed"))
    texts = [bytes((word[word > 0] - 1).astype(np.uint8)).decode().strip() for word in lexicon]
    opinions = [None] * (WORDS // 8) + [1] * WORDS + [-1] * WORDS + [0] * 2 * WORDS
    return dict(zip(texts, opinions, strict=True))


def test_the_class_counts_opinions_and_turns_negated_ones_around(task: SyntheticReviews, splits: Splits):
    opinion_of = meanings(task)
    for split in (splits.valid, splits.tests["test"]):
        for words, label in zip(words_of(split), split.targets.tolist(), strict=True):
            total, sign = 0, 1
            for opinion in (opinion_of[word] for word in words):
                if opinion is None:
                    sign = -1
                else:
                    total, sign = total + sign * opinion, 1
            assert total != 0
            assert label == (total > 0)


def test_reviews_are_words_with_single_spaces(splits: Splits):
    for words in words_of(splits.train)[:500]:
        assert 6 <= len(words) <= 12
        assert all(3 <= len(word) <= 4 for word in words)


def test_classes_and_words_of_a_kind_are_equally_frequent(task: SyntheticReviews, splits: Splits):
    assert splits.train.targets.mean() == pytest.approx(0.5, abs=0.03)
    counts = Counter(word for words in words_of(splits.train) for word in words)
    opinions = [counts[word] for word, opinion in meanings(task).items() if opinion]
    assert max(opinions) < 1.2 * min(opinions)


def test_counting_words_is_better_than_chance_and_far_from_perfect(task: SyntheticReviews, splits: Splits):
    references = {score.name: score.value for score in task.reference_scores(splits)}
    assert references["byte counts"] < references["bag of words"]
    assert 0.55 < references["bag of words"] < 0.8
