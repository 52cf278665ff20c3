"""The released ListOps on small files in its exact format."""

from dataclasses import replace

import numpy as np
import pytest
from archarena.harness import UserError
from archarena.harness.prepare import streams
from archarena.tasks.listops_release import LISTOPS, ListOpsRelease, tree_ids
from archarena.tasks.listops_trees import VOCABULARY


def test_parentheses_are_dropped_and_the_closing_sign_kept():
    words = [VOCABULARY[token] for token in tree_ids("( ( ( [MAX 3 ) ( ( ( [SM 4 ) 9 ) ] ) ) ] )")]
    assert words == ["[MAX", "3", "[SM", "4", "9", "]", "]"]


@pytest.fixture
def small(tmp_path):
    (tmp_path / "listops-1000").mkdir()
    for (name,) in LISTOPS.files.values():
        lines = [f"( ( ( [MIN {n % 10} ) {(n + 3) % 10} ) ] )\t{min(n % 10, (n + 3) % 10)}" for n in range(20)]
        header = "Source\tTarget"
        (tmp_path / "listops-1000" / name).write_text("\n".join([header, *lines]) + "\n")
    task = ListOpsRelease(train=15, valid=5, test=20)
    task.dataset = replace(LISTOPS, counts=dict.fromkeys(LISTOPS.counts, 20))
    return task, tmp_path


def test_rows_keep_their_values(small):
    task, folder = small
    splits = task.splits(folder, streams("lra-listops-release", "smoke", 0))
    test = splits.tests["test"]
    digits = test.inputs["tokens"][:, 1:3].astype(int) - 1
    np.testing.assert_array_equal(digits.min(axis=1), test.targets)
    assert set(test.inputs["lengths"]) == {4}
    assert len(splits.train) == 15


def test_a_file_with_other_rows_is_refused(small):
    with pytest.raises(UserError, match="it has 20 rows, but 96000 are pinned"):
        LISTOPS.read(small[1], "train")
