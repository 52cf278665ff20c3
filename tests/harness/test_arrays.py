"""Arrays as trials get them: targets that are not scored, and checksums."""

import numpy as np
from archarena.harness import NextToken, PerPosition, Split, Splits, TaskSpec, Tokens
from archarena.harness.arrays import content_checksum, with_ignored
from archarena.harness.metrics import METRICS


def splits(targets):
    split = Split({"tokens": np.ones((2, 3), np.uint8)}, np.array(targets, np.uint8))
    return Splits(split, split, {"test": split})


def test_positions_that_a_task_ignores_by_a_mark_of_its_own_are_not_scored():
    spec, marked = with_ignored(TaskSpec(Tokens(5, 3), PerPosition(4, ignore=255)), splits([[255, 1, 2], [3, 255, 0]]))
    assert spec.outputs == PerPosition(4)
    targets = marked.tests["test"].targets
    assert targets.tolist() == [[-100, 1, 2], [3, -100, 0]]
    assert METRICS["position_accuracy"].score(np.array([1, 2, 3, 1]), targets) == 0.75


def test_other_tasks_are_left_as_they_are():
    given = splits([[1, 2, 3], [3, 2, 1]])
    for outputs in (PerPosition(4), NextToken(5)):
        assert with_ignored(TaskSpec(Tokens(5, 3), outputs), given)[1] is given


def test_a_checksum_covers_every_byte_of_every_dtype():
    one, other = splits([[1, 2, 3], [3, 2, 1]]), splits([[1, 2, 3], [3, 2, 2]])
    assert content_checksum(one) == content_checksum(splits([[1, 2, 3], [3, 2, 1]])) != content_checksum(other)
    text = Split({"text": np.array(["a", "bc"])}, np.array(["x", "y"]))
    assert len(content_checksum(Splits(text, text, {}))) == 64
