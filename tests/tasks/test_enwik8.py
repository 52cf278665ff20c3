"""The byte-level language task on a small file: split by position, with every byte scored once."""

from dataclasses import replace

import numpy as np
import pytest
from archarena.harness import UserError
from archarena.harness.data.prepare import streams
from archarena.tasks.enwik8 import ENWIK8, Enwik8Bytes, windows
from files import wikipedia

CONTENT = np.random.default_rng(0).integers(97, 101, 20_000, dtype=np.uint8).tobytes()


@pytest.fixture(params=["raw", "zip"])
def small(request, tmp_path):
    task = Enwik8Bytes(context=64, stride=32, train=18_000, valid=1_000, test=1_000)
    task.dataset = replace(ENWIK8, **wikipedia.write(tmp_path, CONTENT, packed=request.param == "zip"))
    return task, tmp_path


@pytest.mark.parametrize(("context", "stride"), [(8, 8), (8, 4), (8, 1), (8, 3)])
@pytest.mark.parametrize("count", [2, 4, 9, 24, 25, 40, 41])
def test_every_byte_but_the_first_is_scored_once_with_the_context_promised(context, stride, count):
    content = np.arange(count, dtype=np.uint8)
    split = windows(content, context, stride)
    tokens, targets = split.inputs["tokens"], split.targets
    row, column = np.nonzero(targets != -100)
    assert sorted(targets[row, column] - 1) == list(range(1, count))
    np.testing.assert_array_equal(tokens[row, column], targets[row, column] - 1)
    assert (column[row > 0] >= context - stride).all()
    valid = np.arange(context) < split.inputs["lengths"][:, None]
    assert not tokens[~valid].any()


def test_the_parts_are_cut_by_position(small):
    task, folder = small
    splits = task.splits(folder, streams("enwik8", "smoke", 0))
    text = np.frombuffer(CONTENT, np.uint8)
    np.testing.assert_array_equal(splits.valid.inputs["tokens"][0] - 1, text[18_000:18_064])
    np.testing.assert_array_equal(splits.tests["test"].inputs["tokens"][0] - 1, text[19_000:19_064])
    assert (splits.tests["test"].targets != -100).sum() == 999


def test_the_seed_moves_where_training_rows_start_and_nothing_else(small):
    task, folder = small
    one, other = (task.splits(folder, streams("enwik8", "smoke", seed)) for seed in (0, 1))
    assert not np.array_equal(one.train.inputs["tokens"][:200], other.train.inputs["tokens"][:200])
    np.testing.assert_array_equal(one.tests["test"].targets, other.tests["test"].targets)


def test_reference_scores_of_random_letters_are_their_entropy(small):
    task, folder = small
    references = {v.name: v.value for v in task.reference_scores(task.splits(folder, streams("enwik8", "smoke", 0)))}
    assert references["uniform"] == 8
    assert references["unigram"] == pytest.approx(2.0, abs=0.04)
    assert references["bigram"] == pytest.approx(2.0, abs=0.04)


def test_another_file_and_a_stride_beyond_the_context_are_refused(small):
    _, folder = small
    with pytest.raises(UserError, match="is not the train part of the data set 'enwik8'"):
        ENWIK8.content(folder, "train")
    with pytest.raises(UserError, match="between 1 and the context, 8; found 9"):
        Enwik8Bytes(context=8, stride=9, train=9, valid=9, test=9)
    with pytest.raises(UserError, match="at least 2 bytes; found 9, 1 and 9"):
        Enwik8Bytes(context=8, stride=4, train=9, valid=1, test=9)


def test_parts_shorter_than_a_row_have_rows(small):
    _, folder = small
    task = Enwik8Bytes(context=64, stride=8, train=50, valid=30, test=20)
    task.dataset = small[0].dataset
    splits = task.splits(folder, streams("enwik8", "smoke", 0))
    scored = [int((part.targets != -100).sum()) for part in (splits.train, splits.valid, splits.tests["test"])]
    assert scored == [49, 29, 19]
