"""Images of Pathfinder: the meaning of labels, the scenes, and how often two paths fit."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from archarena.harness import Streams
from archarena.harness.data.seeds import generator
from archarena.tasks.pathfinder import Pathfinder, PathfinderContrast, PathX
from archarena.tasks.pathfinder_images import CANVAS_BYTES, _grow_pairs, draw_images, draw_scenes
from archarena.tasks.pathfinder_paths import NONE, Canvases
from archarena.tasks.pathfinder_shapes import PATH_X, PATHFINDER, SEEDS, SMALL_PATH_X
from scipy import ndimage

COUNT = 40


@pytest.fixture(scope="module")
def canvases() -> Canvases:
    return draw_scenes(np.random.default_rng(0), COUNT, PATHFINDER)


@pytest.fixture(scope="module")
def images() -> np.ndarray:
    return draw_images(np.random.default_rng(0), np.arange(COUNT) % 2, PATHFINDER)


def place(flat: np.ndarray) -> np.ndarray:
    return np.stack(np.divmod(flat, PATHFINDER.width), axis=-1)


def test_both_paths_have_fourteen_dashes_and_distractors_four_or_none(canvases):
    dashes = (canvases.directions != NONE).sum(axis=2)
    assert (dashes[:, :2] == 14).all()
    assert set(dashes[:, 2:].ravel()) <= {0, 4}
    assert 0.02 < (dashes[:, 2:] > 0).mean() < 0.5


def test_origins_lie_seed_distance_apart_in_the_middle(canvases):
    scene = canvases.scene
    tails = [place(canvases.pivots[:, path, 0] + scene.anchors[canvases.directions[:, path, 0]]) for path in (0, 1)]
    assert (np.abs(np.hypot(*(tails[0] - tails[1]).T) - 7) < 1).all()
    for tail, direction in zip(tails[0] - scene.rim, canvases.directions[:, 0, 0], strict=True):
        pixels = tail + scene.starts[direction]
        assert pixels.min() >= 14
        assert pixels.max() < 18


def test_a_path_goes_on_within_a_right_angle(canvases):
    directions = canvases.directions[:, :2]
    turns = PATHFINDER.turns[directions[..., :-1], directions[..., 1:] - SEEDS]
    assert (turns > 0).all()


def test_an_image_is_dark_with_two_filled_circles(images):
    assert images.shape == (COUNT, 32, 32)
    assert images.dtype == np.uint8
    assert (images.max(axis=(1, 2)) == 255).all()
    assert not images[:, [0, -1]].any() or images[:, [0, -1]].max() < 255
    blocks = np.lib.stride_tricks.sliding_window_view(images, (2, 2), axis=(1, 2)).min(axis=(-1, -2))
    assert ((blocks > 180).sum(axis=(1, 2)) >= 2).all()


def test_the_same_stream_draws_the_same_images_and_no_two_are_alike(images):
    again = draw_images(np.random.default_rng(0), np.arange(COUNT) % 2, PATHFINDER)
    np.testing.assert_array_equal(images, again)
    assert len(np.unique(images.reshape(COUNT, -1), axis=0)) == COUNT


def test_pairs_start_and_grow_as_often_as_in_the_published_generator():
    # 2,835 pairs of two_snakes with the parameters of `PATHFINDER`, drewlinsley/pathfinder@ab9c130:snakes2.py:
    # 8.8 % found a start (for 30 of 360 directions there is one), and of those 5 % grew to 14 dashes.
    assert np.mean(PATHFINDER.startable) == pytest.approx(0.088, abs=0.01)
    attempts, generator = CANVAS_BYTES // PATHFINDER.width**2, np.random.default_rng(1)
    grown = len(_grow_pairs(Canvases.empty(PATHFINDER, attempts), generator))
    assert 0.035 < grown / attempts < 0.06


def test_stamps_are_those_of_the_published_generator():
    # 255 times line and mask of draw_line_n_mask((41, 41), (20, 20), angle, 2, 0.5, 1, generate_dilation_struct(2), 2)
    # for 0 degrees, and draw_circle((32, 32), (15, 15), 1.5, 2), around their centers, from
    # drewlinsley/pathfinder@ab9c130:snakes.py and snakes2.py with SciPy's former misc.imresize
    edge, middle = [2, 20, 173, 204, 186, 28], [0, 155, 255, 255, 255, 183]
    mask = [[0] * 6, edge, middle, edge, [0] * 6]
    marker = [[0, 28, 65, 3, 1], [28, 228, 254, 133, 2], [66, 255, 255, 190, 6], [0, 132, 178, 55, 1], [1, 0, 0, 0, 1]]
    direction = np.flatnonzero(PATHFINDER.angles[:SEEDS] == 0)[0]
    lines, masks = 255 * PATHFINDER.lines[direction], PATHFINDER.masks[direction].astype(float)
    np.testing.assert_allclose(lines.reshape(9, 9)[3:6, 3:8], [[0] * 5, [0, 102, 135, 116, 0], [0] * 5], atol=1)
    np.testing.assert_allclose(masks.reshape(9, 9)[2:7, 2:8], mask, atol=1)
    np.testing.assert_allclose(255 * PATHFINDER.marker.reshape(9, 9)[2:7, 2:7], marker, atol=1)


def test_images_have_the_statistics_of_the_published_generator():
    # 200 images of drewlinsley/pathfinder@ab9c130:snakes2.py with the parameters of `PathfinderContrast`
    images = draw_images(np.random.default_rng(4), np.arange(300) % 2, PathfinderContrast(1, 1, 1).scenes()[0])
    found = [pieces_and_gap(image > 0.25 * image.max()) for image in images]
    assert np.mean(found, axis=0) == pytest.approx([13.6, 2.18], rel=0.06)
    assert images.mean() / 255 == pytest.approx(0.0792, rel=0.02)
    assert (images > 0).mean() == pytest.approx(0.340, rel=0.02)
    assert np.quantile(images, [0.75, 0.9, 0.95, 0.99]) / 255 == pytest.approx([0.008, 0.408, 0.612, 0.859], abs=0.015)


def pieces_and_gap(bright: np.ndarray) -> tuple[int, float]:
    """Return the number of connected pieces, and their mean distance from the nearest other piece in pixels."""
    pieces, count = ndimage.label(bright, np.ones((3, 3)))
    gaps = []
    for piece in range(1, count + 1):
        away = ndimage.distance_transform_edt(~(bright & (pieces != piece)))
        gaps.append(away[pieces == piece].min())
    return count, float(np.mean(gaps))


def test_the_label_says_whether_the_circles_are_on_one_path():
    """Without the dashes, the two images of a scene differ only in the position of the second circle."""
    bare = replace(PATHFINDER, target_contrast=0.0, distractor_contrast=0.0)
    canvases = draw_scenes(np.random.default_rng(2), 20, bare)
    ends = {
        (path, end): place(canvases.pivots[:, path, step] + bare.anchors[canvases.directions[:, path, step]]) - bare.rim
        for path in (0, 1)
        for end, step in (("origin", 0), ("tip", -1))
    }
    labels = np.arange(20) % 2
    images = draw_images(np.random.default_rng(2), labels, bare)
    for row, (image, label) in enumerate(zip(images, labels, strict=True)):
        bright = {key for key, places in ends.items() if image[tuple(places[row])] == 255}
        (origin,) = (path for path, end in bright if end == "origin")
        (tip,) = (path for path, end in bright if end == "tip")
        assert (origin == tip) == bool(label)


def test_equal_contrast_hides_which_paths_are_distractors_and_the_published_one_does_not():
    def brightest(scene):
        return draw_images(np.random.default_rng(3), np.ones(20, int), scene).astype(float).mean()

    assert PATHFINDER.target_contrast == PATHFINDER.distractor_contrast
    (published,) = PathfinderContrast(1, 1, 1).scenes()
    assert (published.target_contrast, published.distractor_contrast) == (1.5, 2.0)
    assert brightest(published) < brightest(PATHFINDER)


def test_path_x_mixes_both_margins():
    assert {scene.margin for scene in PATH_X} == {2, 3}
    assert PathX(128, 1, 1, 1).spec.inputs.length == 16_384
    small = PathX(64, train=6, valid=2, test=4)
    splits = small.splits(Path(), Streams(generator("train"), generator("fixed")))
    assert splits.train.inputs["values"].shape == (6, SMALL_PATH_X[0].side ** 2, 1)


def test_half_of_each_split_is_of_either_class_and_test_images_do_not_move():
    task = Pathfinder(train=6, valid=4, test=8)
    one, other = (task.splits(Path(), Streams(generator("train", seed), generator("fixed"))) for seed in (0, 1))
    for split in (one.train, one.valid, one.tests["test"]):
        assert split.targets.mean() == 0.5
    np.testing.assert_array_equal(one.tests["test"].inputs["values"], other.tests["test"].inputs["values"])
    assert not np.array_equal(one.train.inputs["values"], other.train.inputs["values"])
