"""Draw ``pathfinder.png``: images of lra-pathfinder-contrast above images of the published generator.

Run ``python docs/images/pathfinder.py PUBLISHED.npy`` with (images, 32, 32) uint8 images that
drewlinsley/pathfinder@ab9c130:snakes2.py drew with the Long Range Arena's parameters.
"""

import sys
from pathlib import Path

import numpy as np
from archarena.tasks.pathfinder import PathfinderContrast
from archarena.tasks.pathfinder_images import draw_images
from PIL import Image

COLUMNS, ZOOM, GAP = 8, 3, 4


def row(images: np.ndarray) -> np.ndarray:
    """Return images (COLUMNS, side, side) side by side, enlarged, with a gray frame."""
    large = images.repeat(ZOOM, axis=1).repeat(ZOOM, axis=2)
    return np.concatenate(list(np.pad(large, ((0, 0), (GAP, GAP), (GAP, GAP)), constant_values=128)), axis=1)


def main(published: Path) -> None:
    """Write the picture next to this file."""
    (scene,) = PathfinderContrast(1, 1, 1).scenes()
    ours = draw_images(np.random.default_rng(0), np.arange(COLUMNS) % 2, scene)
    rows = np.concatenate([row(ours), row(np.load(published)[:COLUMNS])])
    Image.fromarray(rows).save(Path(__file__).with_suffix(".png"), optimize=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
