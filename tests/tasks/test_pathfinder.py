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
from archarena.tasks.pathfinder_shapes import PATH_X, PATHFINDER, SMALL_PATH_X

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
    assert (dashes[:, 2] > 0).mean() > 0.5


def test_the_dashes_of_different_paths_keep_their_distance(canvases):
    scene = canvases.scene
    for pivots, directions in zip(canvases.pivots, canvases.directions, strict=True):
        ink = [
            {int(p) + int(o) for p, d in zip(path, way, strict=True) if d != NONE for o in line_pixels(scene, d)}
            for path, way in zip(pivots, directions, strict=True)
        ]
        for one in range(len(ink)):
            for other in range(one):
                assert not ink[one] & ink[other]


def line_pixels(scene, direction):
    return scene.square[scene.lines[direction] > 0.25]


def test_origins_lie_seed_distance_apart_in_the_middle(canvases):
    scene = canvases.scene
    tails = [place(canvases.pivots[:, path, 0] + scene.tails[canvases.directions[:, path, 0]]) for path in (0, 1)]
    assert (np.abs(np.hypot(*(tails[0] - tails[1]).T) - 7) < 1).all()
    middle = tails[0] - scene.rim
    assert middle.min() >= 14
    assert middle.max() < 18


def test_a_path_goes_on_within_a_right_angle(canvases):
    directions = canvases.directions[:, :2]
    turns = PATHFINDER.turns[directions[..., :-1], directions[..., 1:]]
    assert (turns > 0).all()


def test_an_image_is_dark_with_two_filled_circles(images):
    assert images.shape == (COUNT, 32, 32)
    assert images.dtype == np.uint8
    assert (images.max(axis=(1, 2)) == 255).all()
    assert not images[:, [0, -1]].any() or images[:, [0, -1]].max() < 255
    blocks = np.lib.stride_tricks.sliding_window_view(images, (3, 3), axis=(1, 2)).min(axis=(-1, -2))
    assert ((blocks > 100).sum(axis=(1, 2)) >= 2).all()


def test_the_same_stream_draws_the_same_images_and_no_two_are_alike(images):
    again = draw_images(np.random.default_rng(0), np.arange(COUNT) % 2, PATHFINDER)
    np.testing.assert_array_equal(images, again)
    assert len(np.unique(images.reshape(COUNT, -1), axis=0)) == COUNT


def test_about_one_pair_in_five_hundred_reaches_its_length():
    """The published generator fails 400 to 540 times per pair, as we measured."""
    attempts, generator = CANVAS_BYTES // (2 * PATHFINDER.width**2), np.random.default_rng(1)
    grown = [len(_grow_pairs(Canvases.empty(PATHFINDER, attempts), generator)) for _ in range(3)]
    assert 300 < 3 * attempts / sum(grown) < 750


def test_the_label_says_whether_the_circles_are_on_one_path():
    """Without the dashes, the two images of a scene differ only in the position of the second circle."""
    bare = replace(PATHFINDER, target_contrast=0.0, distractor_contrast=0.0)
    canvases = draw_scenes(np.random.default_rng(2), 20, bare)
    ends = {
        (path, end): place(canvases.pivots[:, path, step] + offsets[canvases.directions[:, path, step]]) - bare.rim
        for path in (0, 1)
        for end, step, offsets in (("origin", 0, bare.tails), ("tip", -1, bare.heads))
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
