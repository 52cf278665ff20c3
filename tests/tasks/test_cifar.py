"""The image task on small data in the binary format of CIFAR-10, archived or not, and in that of the hub."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from archarena.harness import UserError
from archarena.harness.data.hub import HUB_SWITCH, Hub
from archarena.harness.data.prepare import streams
from archarena.tasks.cifar import CIFAR10, GreyImages, grey, records
from files import pictures

ROWS = {"train": 5_100, "test": 40}


@pytest.mark.parametrize("packed", [False, True])
def test_images_keep_their_labels_as_grey_values_in_raster_order(tmp_path, packed):
    task = GreyImages(train=60, valid=20, test=40)
    task.dataset = replace(CIFAR10, **pictures.cifar10(tmp_path, ROWS, packed=packed))
    splits = task.splits(tmp_path, streams("lra-image", "smoke", 0))
    for split, rows in ((splits.train, 60), (splits.valid, 20), (splits.tests["test"], 40)):
        values = split.inputs["values"]
        assert values.shape == (rows, 1024, 1)
        assert values.dtype == np.uint8
        np.testing.assert_array_equal(values.reshape(rows, 32, 32).mean(2).argmax(1), 3 * split.targets + 1)
    references = {score.name: score.value for score in task.reference_scores(splits)}
    assert references["majority"] == pytest.approx(0.1)
    assert references["logistic regression"] > 0.9


def test_grey_is_a_weighted_sum_of_the_colours():
    colors = np.zeros((3, 3, 1, 1), np.uint8)
    colors[np.arange(3), np.arange(3)] = 255
    assert grey(colors).ravel().tolist() == [76, 150, 29]
    assert grey(np.full((1, 3, 1, 1), 255, np.uint8)).item() == 255


def test_files_that_are_cut_or_too_short_are_refused(tmp_path):
    small = replace(CIFAR10, **pictures.cifar10(tmp_path, {"train": 50, "test": 40}))
    with pytest.raises(UserError, match="it has 40 rows, but 10000 are pinned"):
        CIFAR10.read(tmp_path, "test")
    batch = tmp_path / "cifar10" / "test_batch.bin"
    batch.write_bytes(batch.read_bytes()[:-1])
    with pytest.raises(UserError, match=r"Cannot read .*test_batch\.bin .*multiple of 3073"):
        small.read(tmp_path, "test")


def test_the_hub_s_pictures_are_the_same_rows(tmp_path, monkeypatch):
    from datasets import ClassLabel, Dataset, Features
    from datasets import Image as Picture
    from PIL import Image

    repository = tmp_path / "hub"
    repository.mkdir()
    features = Features({"img": Picture(), "label": ClassLabel(num_classes=10)})
    for part, rows in (("train", 12), ("test", 6)):
        images, labels = pictures.photographs(rows)
        shown = [Image.fromarray(image.transpose(1, 2, 0)) for image in images]
        table = Dataset.from_dict({"img": shown, "label": labels.tolist()}, features=features)
        table.to_parquet(str(repository / f"{part}.parquet"))
    monkeypatch.setenv(HUB_SWITCH, "1")
    data = replace(CIFAR10, counts={"train": 12, "test": 6}, hub=Hub(str(repository)))
    found = data.read(tmp_path / "data", "train")
    pd.testing.assert_frame_equal(
        found[["label", "img"]], records(pictures.binary(*pictures.photographs(12))), check_dtype=False
    )
