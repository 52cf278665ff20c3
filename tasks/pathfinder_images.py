"""Draw Pathfinder images, thousands of candidates at once.

Two paths start near each other and grow in alternation. At 32 pixels only about one pair in 350
reaches its full length, so many pairs are grown in parallel. Then short distractor paths are added
while they fit, and a marker at each of two path ends.

This follows the published generator (Linsley et al. 2018, arXiv:1805.08315, with the Long Range
Arena's parameters) except for its random numbers and its anti-aliasing. The images are a new sample
from nearly the same distribution, not the released files.
"""

from __future__ import annotations

import numpy as np

from .pathfinder_paths import NONE, Canvases
from .pathfinder_shapes import Scene

DISTRACTOR_RETRIES = 4
FIRST_DRAWS = 32
"""Number of positions tried at once for a distractor's first dash."""
CANVAS_BYTES = 32 * 2**20
"""Memory for the canvases of pairs grown together."""
IMAGES = 1_000
"""Number of images completed together."""


def draw_images(generator: np.random.Generator, labels: np.ndarray, scene: Scene) -> np.ndarray:
    """Return one image per label; the label is 1 if both markers are at ends of the same path, else 0.

    Returns
    -------
    numpy.ndarray
        (labels, side, side) uint8; the brightest pixel of each image is 255.
    """
    images = np.empty((len(labels), scene.side, scene.side), np.uint8)
    for start in range(0, len(labels), IMAGES):
        part = labels[start : start + IMAGES]
        canvases = draw_scenes(generator, len(part), scene)
        images[start : start + len(part)] = _render(canvases, part, generator)
    return images


def draw_scenes(generator: np.random.Generator, count: int, scene: Scene) -> Canvases:
    """Return canvases with two long paths each and as many distractors as fit."""
    attempts = CANVAS_BYTES // (2 * scene.width**2)
    found: list[Canvases] = []
    while (missing := count - sum(map(len, found))) > 0:
        canvases = Canvases.empty(scene, attempts)
        found.append(canvases.only(_grow_pairs(canvases, generator)[:missing]))
    canvases = Canvases.joined(found)
    for path in range(2, 2 + scene.distractors):
        waiting = np.arange(len(canvases))
        for _ in range(1 + DISTRACTOR_RETRIES):
            waiting = _add_distractor(canvases, waiting, path, generator)
    return canvases


def _grow_pairs(canvases: Canvases, generator: np.random.Generator) -> np.ndarray:
    """Grow two paths in alternation; return the canvases where both reached full length."""
    scene, count = canvases.scene, len(canvases)
    low, high = 2 * scene.seed_distance, scene.side - 2 * scene.seed_distance
    first = scene.rim + generator.integers(low, high, size=(count, 2))
    around = scene.around(scene.seed_distance, 360)
    second = first + around[generator.integers(len(around), size=count)]
    rows = np.arange(count)
    for path, tails in enumerate((first, second)):
        rows = canvases.start(rows, path, scene.flat(tails[rows]), _directions(scene, len(rows), generator))
    for step in range(1, scene.paddles):
        for path in (0, 1):
            rows = canvases.extend(rows, path, step, generator)
    for path in (0, 1):
        canvases.finish(rows, path, scene.paddles - 1)
    return rows


def _directions(scene: Scene, count: int, generator: np.random.Generator) -> np.ndarray:
    return generator.integers(len(scene.heads), size=count)


def _add_distractor(canvases: Canvases, rows: np.ndarray, path: int, generator: np.random.Generator) -> np.ndarray:
    """Try to add a short path to each canvas; restore and return those where it got stuck."""
    before = canvases.taken[rows], canvases.near[rows]
    grown = _start_distractor(canvases, rows, path, generator)
    last = canvases.scene.distractor_paddles - 1
    for step in range(1, last + 1):
        grown = canvases.extend(grown, path, step, generator)
    canvases.finish(grown, path, last)
    stuck = np.flatnonzero(~np.isin(rows, grown))
    canvases.taken[rows[stuck]], canvases.near[rows[stuck]] = before[0][stuck], before[1][stuck]
    canvases.directions[rows[stuck], path] = NONE
    return rows[stuck]


def _start_distractor(canvases: Canvases, rows: np.ndarray, path: int, generator: np.random.Generator) -> np.ndarray:
    """Start a path at a random free position; return the canvases that had one."""
    scene, shape = canvases.scene, (len(rows), FIRST_DRAWS)
    directions = _directions(scene, len(rows), generator)
    tails = scene.flat(scene.rim + generator.integers(scene.side, size=(*shape, 2)))
    many = np.repeat(directions, FIRST_DRAWS)
    touching = canvases.touching(np.repeat(rows, FIRST_DRAWS), tails.ravel() - scene.tails[many], many)
    first = (~touching.reshape(shape)).argmax(axis=1)
    return canvases.start(rows, path, tails[np.arange(len(rows)), first], directions)


def _render(canvases: Canvases, labels: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """Return the images of canvases, each scaled to a maximum of 255."""
    scene, each = canvases.scene, np.arange(len(canvases))
    ink = np.zeros((len(canvases), scene.width**2), np.float32)
    for path in range(canvases.pivots.shape[1]):
        contrast = scene.target_contrast if path < 2 else scene.distractor_contrast
        for step in range(scene.paddles):
            drawn = np.flatnonzero(canvases.directions[:, path, step] != NONE)
            stamps = contrast * scene.lines[canvases.directions[drawn, path, step]]
            _paint(ink, scene, drawn, canvases.pivots[drawn, path, step], stamps)
    first = generator.integers(2, size=len(canvases))
    last = np.where(labels == 1, first, 1 - first)
    for path, step, ends in ((first, 0, scene.tails), (last, -1, scene.heads)):
        places = canvases.pivots[each, path, step] + ends[canvases.directions[each, path, step]]
        _paint(ink, scene, each, places, scene.marker)
    image = slice(scene.rim, scene.rim + scene.side)
    window = ink.reshape(-1, scene.width, scene.width)[:, image, image]
    return np.round(255 * window / window.max(axis=(1, 2), keepdims=True)).astype(np.uint8)


def _paint(ink: np.ndarray, scene: Scene, images: np.ndarray, places: np.ndarray, stamps: np.ndarray) -> None:
    """Combine stamps with images by the pixelwise maximum."""
    pixels = (images * scene.width**2 + places)[:, None] + scene.square
    flat = ink.reshape(-1)
    flat[pixels] = np.maximum(flat[pixels], stamps)
