"""The released ListOps task, on small files in its exact format."""

from dataclasses import replace

import numpy as np
import pytest
from archarena.harness import UserError
from archarena.harness.data.prepare import streams
from archarena.tasks.listops_release import LISTOPS, ListOpsRelease, tree_ids
from archarena.tasks.listops_trees import VOCABULARY, draw_trees
from files import releases


def test_parentheses_are_dropped_and_the_closing_sign_kept():
    words = ["[MAX", "3", "[SM", "4", "9", "]", "]"]
    released = "( ( ( [MAX 3 ) ( ( ( [SM 4 ) 9 ) ] ) ) ] )"
    assert [VOCABULARY[token] for token in tree_ids(released)] == words
    assert releases.with_parentheses(words) == released


@pytest.fixture
def small(tmp_path):
    task = ListOpsRelease(train=15, valid=5, test=20)
    task.dataset = replace(LISTOPS, **releases.listops(tmp_path, dict.fromkeys(LISTOPS.counts, 20)))
    return task, tmp_path


def test_rows_keep_their_trees_and_values(small):
    task, folder = small
    splits = task.splits(folder, streams("lra-listops-release", "smoke", 0))
    test = splits.tests["test"]
    trees = draw_trees(np.random.default_rng(len("test")), 20, longer_than=500, shorter_than=2_000)
    found = np.concatenate([test.targets[:, None], test.inputs["tokens"]], axis=1)
    np.testing.assert_array_equal(np.unique(found, axis=0), np.unique(trees, axis=0))
    np.testing.assert_array_equal(test.inputs["lengths"], (test.inputs["tokens"] > 0).sum(axis=1))
    assert len(splits.train) == 15


def test_a_file_with_other_rows_is_refused(small):
    with pytest.raises(UserError, match="it has 20 rows, but 96000 are pinned"):
        LISTOPS.read(small[1], "train")
