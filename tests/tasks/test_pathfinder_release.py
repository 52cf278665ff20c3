"""The released Pathfinder task, on a small folder in its exact layout."""

from dataclasses import replace

import numpy as np
import pytest
from archarena.harness import UserError
from archarena.harness.data.prepare import streams
from archarena.tasks.pathfinder_release import DIFFICULTY, PathfinderRelease, PathXRelease, shrunk
from files import releases

SET = replace(PathfinderRelease.dataset, count=40)


@pytest.fixture
def release(tmp_path):
    """Return the folder of a release of 40 images."""
    releases.pathfinder32(tmp_path / "release", {"all": 40})
    return tmp_path / "release" / "pathfinder32"


def test_images_keep_their_labels_and_parts_do_not_overlap(release):
    task = PathfinderRelease(train=32, valid=4, test=4)
    task.dataset = SET
    splits = task.splits(release.parent, streams("lra-pathfinder-release", "smoke", 0))
    sizes = [len(split) for split in (splits.train, splits.valid, splits.tests["test"])]
    assert sizes == [32, 4, 4]
    for split in (splits.train, splits.valid, splits.tests["test"]):
        np.testing.assert_array_equal(split.inputs["values"][:, 0, 0] > 100, split.targets == 1)


def test_smaller_images_are_means_of_squares():
    image = np.arange(16, dtype=np.uint8).reshape(4, 4)
    np.testing.assert_array_equal(shrunk(image, 4), image)
    np.testing.assert_array_equal(shrunk(image, 2), [[2, 4], [10, 12]])
    assert PathXRelease(**PathXRelease.arguments["quick"]).spec.inputs.length == 64**2
    assert PathXRelease(**PathXRelease.arguments["full"]).spec.inputs.length == 128**2


def test_an_import_is_checked_and_copied_whole(release, tmp_path):
    data = tmp_path / "data"
    with pytest.raises(UserError, match="its lists have 40 images, expected 200000"):
        PathfinderRelease.dataset.adopt(release, data)
    assert not data.exists()
    SET.adopt(release, data)
    assert len(SET.labeled(data)[0]) == 40
    with pytest.raises(UserError, match="is not the release's folder pathfinder32"):
        SET.adopt(release / DIFFICULTY, data)


def test_an_absent_release_names_the_place_and_the_way(tmp_path):
    with pytest.raises(UserError, match=r"is missing: .*metadata has no lists.*data import pathfinder-release"):
        SET.resolve(tmp_path)


@pytest.mark.parametrize("line", ["imgs/0", "../../etc passwd 0 1", "/etc passwd 0 1", "imgs/0 sample_0.png 0 one"])
def test_a_broken_list_or_one_that_leaves_its_folder_is_refused(release, line):
    (release / DIFFICULTY / "metadata" / "1.npy").write_text(line)
    with pytest.raises(UserError, match="Cannot read the lists"):
        SET.labeled(release.parent)
