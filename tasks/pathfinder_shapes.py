"""The elements of Pathfinder images: scene parameters, and tables of dashes and markers.

A dash is placed by its pivot. The first dash of a path starts at its tail, in one of 360 directions; every
other dash ends at a head, a pixel of the circle around its pivot. The next dash's pivot is beyond the
end. Positions are flat indices in a canvas, the image with a rim around it, so the tables contain offsets.

Coordinates are rounded up or down, and lines and masks are drawn at twice the size and reduced with a
Lanczos filter, as in the published generator (drewlinsley/pathfinder@ab9c130:snakes.py).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from PIL import Image, ImageDraw

SCALE = 2
"""Samples per pixel side for drawing lines, masks and markers."""

FULL = 255
"""Value of fully covered pixels in stamps and masks."""

TOUCHING = 1.8 * FULL
"""A dash touches another if the sum of their masks reaches this at a pixel."""

FREE = 0.3 * FULL
"""Maximum value of a mask where a path may start."""

SEEDS = 360
"""Directions of a path's first dash, in whole degrees."""

_ANY = 16
"""Some pixel: the published code rounds sums of a coordinate and a displacement."""


@dataclass(frozen=True)
class Scene:
    """The parameters of Linsley et al. (2018), arXiv:1805.08315, with lengths in pixels.

    Attributes
    ----------
    side
        Side of the square image; its outermost pixels stay empty.
    seed_distance
        Distance between the origins of the two long paths.
    length, thickness
        Size of a dash.
    margin
        Half the gap between the dashes of a path; other paths keep this distance.
    continuity
        Straightness of paths: a turn's weight is cos(continuity * angle)^2.
    distractors
        Maximum number of short paths.
    marker_radius
        Radius of the circles at two path ends.
    target_contrast, distractor_contrast
        Brightness of the two long paths and of the others; markers have 1.
    paddles, distractor_paddles
        Dashes per long path and per short path.
    retries
        How often a dash that touches another is redrawn before its path counts as stuck.
    """

    side: int
    seed_distance: int
    length: int
    thickness: float
    margin: int
    continuity: float
    distractors: int
    marker_radius: float
    target_contrast: float
    distractor_contrast: float
    paddles: int = 14
    distractor_paddles: int = 4
    retries: int = 2

    @property
    def reach(self) -> int:
        """Distance from pivot to head."""
        return self.length + self.margin

    @property
    def half(self) -> int:
        """Half the side of a stamp, which is centered on an end of its dash."""
        return self.reach + int(np.ceil(self.thickness))

    @property
    def rim(self) -> int:
        """Width of the rim that keeps all stamps within a canvas."""
        return 2 * self.reach + self.half + self.margin

    @property
    def width(self) -> int:
        """Side of a canvas."""
        return self.side + 2 * self.rim

    def flat(self, places: np.ndarray) -> np.ndarray:
        """Return the flat indices of positions (..., 2) in a canvas."""
        return places[..., 0] * self.width + places[..., 1]

    def around(self, radius: float, count: int) -> np.ndarray:
        """Return `count` evenly spaced positions (y, x) on a circle around 0, rounded to pixels."""
        angles = np.arange(count) * 2 * np.pi / count
        return np.round(radius * np.stack([np.sin(angles), np.cos(angles)], axis=1)).astype(np.int64)

    @cached_property
    def head_steps(self) -> np.ndarray:
        """Steps (y, x) from pivot to head, one per pixel of the circle, rounded down, (K, 2)."""
        angles = np.radians(np.arange(0, 360, 360 / (2 * self.reach * np.pi)))
        circle = _ANY + self.reach * np.stack([np.sin(angles), np.cos(angles)], axis=1)
        return np.unique(circle.astype(np.int64) - _ANY, axis=0)

    @cached_property
    def angles(self) -> np.ndarray:
        """Angles of all directions, first `SEEDS` whole degrees and then those of `head_steps`, (D,)."""
        degrees = np.arange(-SEEDS // 2, SEEDS // 2) * np.pi / 180
        return np.concatenate([degrees, np.arctan2(*self.head_steps.T)])

    def _moved(self, angles: np.ndarray, distance: float, start: int = _ANY) -> np.ndarray:
        """Return the steps (y, x) of moves by `distance` from `start`, rounded up, (angles, 2)."""
        moves = distance * np.stack([np.sin(angles), np.cos(angles)], axis=1)
        return np.ceil(start + moves).astype(np.int64) - start

    @cached_property
    def anchors(self) -> np.ndarray:
        """Offsets from pivot to the stamp's center: the tail of a first dash, the head of any other, (D,)."""
        seeds, backward = self.angles[:SEEDS], _turned_back(self.angles[:SEEDS])
        tails = -self._moved(seeds, self.length) - self._moved(backward, self.reach)
        return self.flat(np.concatenate([tails, self.head_steps]))

    @cached_property
    def strides(self) -> np.ndarray:
        """Offsets from a dash's pivot to the next dash's pivot, (D,)."""
        return self.flat(self._moved(self.angles, self.length + 2 * self.margin))

    @cached_property
    def turns(self) -> np.ndarray:
        """Weights of the next dash's head given the previous direction, (D, K)."""
        apart = np.abs(self.angles[:, None] - self.angles[SEEDS:])
        angle = np.minimum(apart, 2 * np.pi - apart)
        return (np.cos(np.minimum(self.continuity * angle, np.pi / 2)) ** 2).astype(np.float32)

    @cached_property
    def disk(self) -> np.ndarray:
        """Offsets within `margin` of a pixel, which a head must keep clear of masks, (m,)."""
        y, x = np.nonzero(_disk(self.margin))
        return self.flat(np.stack([y, x], axis=1) - self.margin)

    @cached_property
    def square(self) -> np.ndarray:
        """Offsets of a stamp's pixels from its center, (pixels,)."""
        steps = np.arange(-self.half, self.half + 1)
        return (steps[:, None] * self.width + steps).ravel()

    @cached_property
    def lines(self) -> np.ndarray:
        """Brightness of each pixel of `square` by a dash, (D, pixels), 0 to 1."""
        return np.stack([self._reduced(line) for line in self._drawn]).astype(np.float32) / FULL

    @cached_property
    def masks(self) -> np.ndarray:
        """Share of each pixel of `square` that a dash keeps from others, (D, pixels) uint8 up to `FULL`."""
        disk = _disk(SCALE * self.margin)
        return np.stack([self._reduced(_dilated(line, disk)) for line in self._drawn])

    @cached_property
    def cores(self) -> tuple[np.ndarray, np.ndarray]:
        """Offsets from the stamp's center, and values, of the pixels where a dash can touch another, (D, m) each."""
        strong = [np.flatnonzero(mask >= TOUCHING - FULL) for mask in self.masks]
        most = max(map(len, strong))
        chosen = np.stack([np.resize(pixels, most) for pixels in strong])
        return self.square[chosen], np.take_along_axis(self.masks, chosen, axis=1)

    @cached_property
    def starts(self) -> list[np.ndarray]:
        """Steps (y, x) from a tail to the pixels that must be free for a first dash, for each of `SEEDS` directions.

        The published code looks for them with the dash's mask in a smaller square, one pixel off its center.
        """
        side, found = 2 * self.half + 1, []
        for mask in self.masks[:SEEDS]:
            y, x = np.nonzero(mask.reshape(side, side) == FULL)
            steps = np.stack([y, x], axis=1) - self.half + 1
            found.append(steps[(np.abs(steps) <= self.reach).all(axis=1)])
        return found

    @cached_property
    def startable(self) -> np.ndarray:
        """Which of `SEEDS` directions a path can start in, (SEEDS,); the first dash of the second path is exempt.

        The published code gives up if OpenCV's dilation by `starts` leaves a corner of the image undefined, and so
        starts paths in few directions.
        """
        corners = [(y, x) for y in (-1, 1) for x in (-1, 1)]
        return np.array([all((steps * corner >= 0).all(axis=1).any() for corner in corners) for steps in self.starts])

    @cached_property
    def start_offsets(self) -> np.ndarray:
        """The flat offsets of `starts`, (SEEDS, m); shorter lists are repeated."""
        most = max(map(len, self.starts))
        return np.stack([np.resize(self.flat(steps), most) for steps in self.starts])

    @cached_property
    def marker(self) -> np.ndarray:
        """Brightness of each pixel of `square` by a marker, (pixels,), 0 to 1."""
        extent = 4 * self.half + 1
        middle = extent // 2
        y, x = np.ogrid[-middle * SCALE : (extent - middle) * SCALE, -middle * SCALE : (extent - middle) * SCALE]
        inside = (x**2 + y**2 <= (SCALE * self.marker_radius) ** 2) * np.uint8(FULL)
        shape = (extent, extent)
        image = np.asarray(Image.fromarray(inside).resize(shape, Image.Resampling.LANCZOS))
        near = slice(middle - self.half, middle + self.half + 1)
        return image[near, near].ravel().astype(np.float32) / FULL

    @cached_property
    def _drawn(self) -> list[np.ndarray]:
        """Dashes at `SCALE` times their size, from the center of a square: seeds forward, others backward."""
        angles = np.concatenate([self.angles[:SEEDS], _turned_back(self.angles[SEEDS:])])
        center, width = self.half * SCALE, round(self.thickness * SCALE)
        drawn = []
        for y, x in center + self._moved(angles, self.length * SCALE, center):
            image = Image.new("L", (2 * center + 1, 2 * center + 1))
            ImageDraw.Draw(image).line([(center, center), (int(x), int(y))], fill=FULL, width=width)
            drawn.append(np.asarray(image))
        return drawn

    def _reduced(self, image: np.ndarray) -> np.ndarray:
        side = 2 * self.half + 1
        return np.asarray(Image.fromarray(image).resize((side, side), Image.Resampling.LANCZOS)).ravel()


def _turned_back(angles: np.ndarray) -> np.ndarray:
    return np.where(angles < 0, angles + np.pi, angles - np.pi)


def _disk(radius: int) -> np.ndarray:
    y, x = np.ogrid[-radius : radius + 1, -radius : radius + 1]
    return x**2 + y**2 <= radius**2


def _dilated(image: np.ndarray, disk: np.ndarray) -> np.ndarray:
    """Return the maximum over a disk around each pixel."""
    from scipy.ndimage import grey_dilation

    return grey_dilation(image, footprint=disk, mode="constant")


PATHFINDER = Scene(
    side=32, seed_distance=7, length=2, thickness=0.5, margin=1, continuity=1.0, distractors=5, marker_radius=1.5,
    target_contrast=2.0, distractor_contrast=2.0,
)  # fmt: skip
"""Pathfinder at 32 pixels, contours of 14 (the hard split), with equal contrast."""

PATH_X = tuple(
    Scene(
        side=128, seed_distance=20, length=5, thickness=1.5, margin=margin, continuity=1.8, distractors=8,
        marker_radius=3.0, target_contrast=0.9, distractor_contrast=0.9,
    )
    for margin in (2, 3)
)  # fmt: skip
"""Path-X: 128 pixels; half of the images have the wider margin."""

SMALL_PATH_X = (
    Scene(
        side=64, seed_distance=10, length=3, thickness=1.0, margin=1, continuity=1.4, distractors=6,
        marker_radius=2.0, target_contrast=1.0, distractor_contrast=1.0,
    ),
)  # fmt: skip
"""64 pixels, for tiers where 128 pixels take too long."""
