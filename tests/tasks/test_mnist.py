"""The task on small data in the exact format of MNIST, and on MNIST itself if it is available."""

import gzip
import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from archarena.harness import UserError
from archarena.harness.data.prepare import streams
from archarena.tasks.mnist import FILES, MNIST, MNISTDigits, parse_idx
from files.pictures import digits, idx, mnist


@pytest.fixture(params=["gz", "plain"])
def small(request, tmp_path):
    """Return a task on 300 training and 50 test images, and its data folder."""
    pins = mnist(tmp_path, {"train": 300, "test": 50}, packed=request.param == "gz")
    task = MNISTDigits(train=200, valid=40, test=50)
    task.dataset, task.held_out = replace(MNIST, **pins), 60
    return task, tmp_path


def draw(small, seed=0):
    task, folder = small
    return task.splits(folder, streams("mnist", "smoke", seed))


def test_images_keep_their_labels_and_lie_between_minus_one_and_one(small):
    splits = draw(small)
    for split, rows in ((splits.train, 200), (splits.valid, 40), (splits.tests["test"], 50)):
        pixels = split.inputs["pixels"]
        assert pixels.shape == (rows, 1, 28, 28)
        assert -1 <= pixels.min() < pixels.max() == 1
        np.testing.assert_array_equal(pixels[:, 0].mean(2).argmax(1), 2 * split.targets + 3)


def test_validation_images_are_never_trained_on_and_the_seed_moves_training_alone(small):
    one, other = draw(small, 0), draw(small, 1)
    held = {image.tobytes() for image in one.valid.inputs["pixels"]}
    for splits in (one, other):
        assert not held & {image.tobytes() for image in splits.train.inputs["pixels"]}
    assert not np.array_equal(one.train.inputs["pixels"], other.train.inputs["pixels"])
    np.testing.assert_array_equal(one.valid.inputs["pixels"], other.valid.inputs["pixels"])
    np.testing.assert_array_equal(one.tests["test"].inputs["pixels"], other.tests["test"].inputs["pixels"])


def test_reference_scores(small):
    references = {score.name: score.value for score in small[0].reference_scores(draw(small))}
    assert references["majority"] == pytest.approx(0.1)
    assert references["logistic regression"] > 0.9


def test_a_changed_image_is_refused_with_the_file_s_name(small):
    task, folder = small
    path = next((folder / "mnist").glob("t10k-images*"))
    content = idx(digits(51)[0][:50])
    path.write_bytes(gzip.compress(content) if path.suffix == ".gz" else content)
    with pytest.raises(UserError, match=r"t10k-images-idx3-ubyte.* is not the test images part"):
        draw((task, folder))


def test_a_broken_archive_is_told_with_its_path(small):
    task, folder = small
    name = f"{FILES['train labels']}.gz"
    (folder / "mnist" / name).write_bytes(b"no gzip")
    with pytest.raises(UserError, match=rf"Cannot read .*{name}"):
        draw((task, folder))


def test_an_absent_set_is_named_with_the_way_to_bring_it(tmp_path):
    with pytest.raises(UserError, match=r"data set 'mnist'.*train-images-idx3-ubyte.gz.*--data DIR"):
        MNISTDigits(1, 1, 1).splits(tmp_path, streams("mnist", "smoke", 0))


@pytest.mark.parametrize("shape", [(5,), (2, 3), (2, 3, 4)])
def test_an_idx_file_gives_its_array(shape):
    array = np.random.default_rng(0).integers(0, 256, shape)
    np.testing.assert_array_equal(parse_idx(idx(array)), array)


@pytest.mark.parametrize(
    ("content", "message"),
    [(b"\x1f\x8b\x08\x00", "Not an IDX file"), (idx(np.zeros((2, 3)))[:-1], r"\(2, 3\) has 5 values")],
)
def test_what_is_no_idx_file_is_refused(content, message):
    with pytest.raises(ValueError, match=message):
        parse_idx(content)


@pytest.mark.skipif("ARCHARENA_DATA" not in os.environ, reason="needs the real images: set ARCHARENA_DATA")
def test_the_real_images_are_read_whole():
    data = Path(os.environ["ARCHARENA_DATA"])
    if MNIST.find(data) is None:
        pytest.skip(MNIST.missing(data))
    shapes = {part: MNIST.array(data, part).shape for part in FILES}
    assert shapes["train images"] == (60_000, 28, 28)
    assert shapes["test labels"] == (10_000,)
