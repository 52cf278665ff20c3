"""The image task on small sets in CIFAR-10's binary format, packed or not, and as the hub has it."""

import io
import tarfile
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from archarena.harness import UserError
from archarena.harness.prepare import streams
from archarena.tasks.cifar import ARCHIVE, BATCHES, CIFAR10, GreyImages, grey, records
from archarena.tasks.hub import HUB_SWITCH, Hub

SMALL = replace(CIFAR10, counts={"train": 5_100, "test": 40})


def pictures(rows: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return noise with one bright row of pixels for each class, and the classes."""
    images = np.random.default_rng(seed).integers(0, 100, (rows, 3, 32, 32), dtype=np.uint8)
    labels = np.arange(rows) % 10
    images[np.arange(rows), :, 3 * labels + 1] = 255
    return images, labels


def binary(images: np.ndarray, labels: np.ndarray) -> bytes:
    return np.concatenate([labels.astype(np.uint8)[:, None], images.reshape(len(images), -1)], axis=1).tobytes()


@pytest.fixture(scope="module")
def batches() -> dict[str, bytes]:
    """Return the content of each file: five equal batches to train, one to test."""
    images, labels = pictures(5_100, 0)
    parts = np.array_split(np.arange(5_100), 5)
    found = {name: binary(images[rows], labels[rows]) for name, rows in zip(BATCHES["train"], parts, strict=True)}
    return found | {"test_batch.bin": binary(*pictures(40, 1))}


@pytest.fixture(params=["plain", "packed"])
def folder(request, tmp_path, batches):
    home = tmp_path / "cifar10"
    home.mkdir()
    if request.param == "plain":
        for name, content in batches.items():
            (home / name).write_bytes(content)
    else:
        with tarfile.open(home / ARCHIVE, "w:gz", compresslevel=1) as archive:
            for name, content in batches.items():
                member = tarfile.TarInfo(f"cifar-10-batches-bin/{name}")
                member.size = len(content)
                archive.addfile(member, io.BytesIO(content))
    return tmp_path


def test_images_keep_their_labels_as_grey_values_in_raster_order(folder):
    task = GreyImages(train=60, valid=20, test=40)
    task.dataset = SMALL
    splits = task.splits(folder, streams("lra-image", "smoke", 0))
    for split, rows in ((splits.train, 60), (splits.valid, 20), (splits.tests["test"], 40)):
        values = split.inputs["values"]
        assert values.shape == (rows, 1024, 1)
        assert values.dtype == np.uint8
        np.testing.assert_array_equal(values.reshape(rows, 32, 32).mean(2).argmax(1), 3 * split.targets + 1)
    levels = {level.name: level.value for level in task.baselines(splits)}
    assert levels["majority"] == pytest.approx(0.1)
    assert levels["logistic regression"] > 0.9


def test_grey_is_a_weighted_sum_of_the_colours():
    colours = np.zeros((3, 3, 1, 1), np.uint8)
    colours[np.arange(3), np.arange(3)] = 255
    assert grey(colours).ravel().tolist() == [76, 150, 29]
    assert grey(np.full((1, 3, 1, 1), 255, np.uint8)).item() == 255


def test_files_that_are_cut_or_too_short_are_refused(tmp_path, batches):
    (tmp_path / "cifar10").mkdir()
    for name, content in batches.items():
        (tmp_path / "cifar10" / name).write_bytes(content)
    with pytest.raises(UserError, match="it has 40 rows, but 10000 are pinned"):
        CIFAR10.read(tmp_path, "test")
    (tmp_path / "cifar10" / "test_batch.bin").write_bytes(batches["test_batch.bin"][:-1])
    with pytest.raises(UserError, match=r"Cannot read .*test_batch\.bin .*multiple of 3073"):
        SMALL.read(tmp_path, "test")


def test_the_hub_s_pictures_are_the_same_rows(tmp_path, monkeypatch, batches):
    from datasets import ClassLabel, Dataset, Features
    from datasets import Image as Picture
    from PIL import Image

    repository = tmp_path / "hub"
    repository.mkdir()
    features = Features({"img": Picture(), "label": ClassLabel(num_classes=10)})
    for part, rows in (("train", 12), ("test", 6)):
        images, labels = pictures(rows, 7)
        shown = [Image.fromarray(image.transpose(1, 2, 0)) for image in images]
        table = Dataset.from_dict({"img": shown, "label": labels.tolist()}, features=features)
        table.to_parquet(str(repository / f"{part}.parquet"))
    monkeypatch.setenv(HUB_SWITCH, "1")
    data = replace(CIFAR10, counts={"train": 12, "test": 6}, hub=Hub(str(repository)))
    found = data.read(tmp_path / "data", "train")
    pd.testing.assert_frame_equal(found[["label", "img"]], records(binary(*pictures(12, 7))), check_dtype=False)
