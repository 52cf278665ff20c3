"""Draw Pathfinder images, thousands of candidates at once.

Two paths start near each other and grow in alternation. At 32 pixels only about one pair in 350
reaches its full length, so many pairs are grown in parallel. Then short distractor paths are added
while they fit, and a marker at each of two path ends.

This follows the published generator (Linsley et al. 2018, arXiv:1805.08315, with the Long Range
Arena's parameters), including its rounding and blur, except for its random numbers. The images are a new
sample from nearly the same distribution, not the released files.
"""

from __future__ import annotations

import numpy as np

from .pathfinder_paths import NONE, Canvases
from .pathfinder_shapes import FREE, SEEDS, Scene

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
    attempts = CANVAS_BYTES // scene.width**2
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
    scene, rows = canvases.scene, np.arange(len(canvases))
    directions, first = _first_origins(scene, len(rows), generator)
    around = scene.around(scene.seed_distance, 360)
    second = first + around[generator.integers(len(around), size=len(rows))]
    canvases.start(rows, 0, scene.flat(first), directions)
    canvases.start(rows, 1, scene.flat(second), generator.integers(SEEDS, size=len(rows)))
    for step in range(1, scene.paddles):
        for path in (0, 1):
            rows = canvases.extend(rows, path, step, generator)
    # The published code also leaves the last dash of the first path out of the mask.
    canvases.finish(rows, 1, scene.paddles - 1)
    return rows


def _first_origins(scene: Scene, count: int, generator: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Return random directions (count,) and tails (count, 2) whose first dash is in the middle of the image."""
    low, high = 2 * scene.seed_distance, scene.side - 2 * scene.seed_distance
    lowest = np.array([low - steps.min(axis=0) for steps in scene.starts])
    highest = np.array([high - steps.max(axis=0) for steps in scene.starts])
    possible = np.flatnonzero(scene.startable & (lowest < highest).all(axis=1))
    directions = possible[generator.integers(len(possible), size=count)]
    return directions, scene.rim + generator.integers(lowest[directions], highest[directions])


def _add_distractor(canvases: Canvases, rows: np.ndarray, path: int, generator: np.random.Generator) -> np.ndarray:
    """Try to add a short path to each canvas; restore and return those where it got stuck."""
    before = canvases.mask[rows]
    grown = _start_distractor(canvases, rows, path, generator)
    last = canvases.scene.distractor_paddles - 1
    for step in range(1, last + 1):
        grown = canvases.extend(grown, path, step, generator)
    canvases.finish(grown, path, last)
    stuck = np.flatnonzero(~np.isin(rows, grown))
    canvases.mask[rows[stuck]] = before[stuck]
    canvases.directions[rows[stuck], path] = NONE
    return rows[stuck]


def _start_distractor(canvases: Canvases, rows: np.ndarray, path: int, generator: np.random.Generator) -> np.ndarray:
    """Start a path at a random free position; return the canvases that had one."""
    scene = canvases.scene
    directions = generator.integers(SEEDS, size=len(rows))
    tails = scene.flat(scene.rim + generator.integers(scene.side, size=(len(rows), FIRST_DRAWS, 2)))
    places = (rows[:, None] * canvases.mask.shape[1] + tails)[..., None] + scene.start_offsets[directions, None]
    free = np.all(canvases.mask.reshape(-1)[places] <= FREE, axis=2)
    first, kept = free.argmax(axis=1), np.any(free, axis=1) & scene.startable[directions]
    canvases.start(rows[kept], path, tails[kept, first[kept]], directions[kept])
    return rows[kept]


def _render(canvases: Canvases, labels: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """Return the images of canvases, each scaled to a maximum of 255."""
    scene, each = canvases.scene, np.arange(len(canvases))
    ink = np.zeros((len(canvases), scene.width**2), np.float32)
    for path in range(canvases.pivots.shape[1]):
        contrast = scene.target_contrast if path < 2 else scene.distractor_contrast
        for step in range(scene.paddles):
            drawn = np.flatnonzero(canvases.directions[:, path, step] != NONE)
            directions = canvases.directions[drawn, path, step]
            places = canvases.pivots[drawn, path, step] + scene.anchors[directions]
            _paint(ink, scene, drawn, places, contrast * scene.lines[directions])
    first = generator.integers(2, size=len(canvases))
    last = np.where(labels == 1, first, 1 - first)
    for path, step in ((first, 0), (last, -1)):
        places = canvases.pivots[each, path, step] + scene.anchors[canvases.directions[each, path, step]]
        _paint(ink, scene, each, places, scene.marker)
    image = slice(scene.rim, scene.rim + scene.side)
    window = ink.reshape(-1, scene.width, scene.width)[:, image, image]
    return np.round(255 * window / window.max(axis=(1, 2), keepdims=True)).astype(np.uint8)


def _paint(ink: np.ndarray, scene: Scene, images: np.ndarray, places: np.ndarray, stamps: np.ndarray) -> None:
    """Combine stamps with images by the pixelwise maximum."""
    pixels = (images * scene.width**2 + places)[:, None] + scene.square
    flat = ink.reshape(-1)
    flat[pixels] = np.maximum(flat[pixels], stamps)
