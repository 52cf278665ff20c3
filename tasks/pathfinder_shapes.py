"""The elements of Pathfinder images: scene parameters, and tables of dashes and markers.

A dash is placed by its pivot: it ends at a head on the circle around the pivot, in one of K
directions, and the next dash's pivot is beyond the head. Positions are flat indices in a canvas,
the image with a rim around it, so the tables contain offsets.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

SUBPIXELS = 8
"""Samples per pixel side for computing coverage."""

SOFT = 0.25
"""Allowed overlap with the margin of another dash, where the published masks are blurred."""


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
    def rim(self) -> int:
        """Width of the rim that keeps all dashes within a canvas."""
        return 2 * self.reach + 3 * self.margin

    @property
    def width(self) -> int:
        """Side of a canvas."""
        return self.side + 2 * self.rim

    def flat(self, places: np.ndarray) -> np.ndarray:
        """Return the flat indices of positions (..., 2) in a canvas."""
        return places[..., 0] * self.width + places[..., 1]

    @cached_property
    def head_steps(self) -> np.ndarray:
        """Steps (y, x) from pivot to head, one per pixel of the circle, (K, 2)."""
        circle = self.around(self.reach, 2 * np.pi * self.reach)
        return np.unique(circle, axis=0)

    @staticmethod
    def around(radius: float, count: float) -> np.ndarray:
        """Return `count` evenly spaced positions (y, x) on a circle around 0, rounded to pixels."""
        angles = np.arange(0, 2 * np.pi, 2 * np.pi / count)
        return np.round(radius * np.stack([np.sin(angles), np.cos(angles)], axis=1)).astype(np.int64)

    @cached_property
    def directions(self) -> np.ndarray:
        """Unit vectors along `head_steps`, (K, 2)."""
        return self.head_steps / np.hypot(*self.head_steps.T)[:, None]

    @cached_property
    def heads(self) -> np.ndarray:
        """Offsets from pivot to head, (K,)."""
        return self.flat(self.head_steps)

    @cached_property
    def tails(self) -> np.ndarray:
        """Offsets from pivot to tail, the end of a dash near its pivot, (K,)."""
        return self.flat(np.round(self.head_steps - self.length * self.directions).astype(np.int64))

    @cached_property
    def strides(self) -> np.ndarray:
        """Offsets from a dash's pivot to the next dash's pivot, (K,)."""
        return self.flat(np.round((self.length + 2 * self.margin) * self.directions).astype(np.int64))

    @cached_property
    def turns(self) -> np.ndarray:
        """Weights of the next direction given the previous one, (K, K)."""
        angle = np.arccos(np.clip(self.directions @ self.directions.T, -1, 1))
        return (np.cos(np.minimum(self.continuity * angle, np.pi / 2)) ** 2).astype(np.float32)

    @cached_property
    def taken(self) -> np.ndarray:
        """Offsets from the pivot to pixels forbidden for other dashes, (K, m)."""
        return self._offsets_within(self.thickness / 2 + self.margin - SOFT)

    @cached_property
    def near(self) -> np.ndarray:
        """Offsets from the pivot to pixels forbidden for the heads of other paths, (K, m)."""
        return self._offsets_within(self.thickness / 2 + 2 * self.margin - SOFT)

    @cached_property
    def own(self) -> np.ndarray:
        """Which of a dash's `taken` pixels also belong to the previous dash, (K, K, m)."""
        before, after = self.taken - self.strides[:, None], self.taken
        return (after[None, :, :, None] == before[:, None, None, :]).any(axis=-1)

    @property
    def half(self) -> int:
        """Half the side of the square around a pivot that contains a dash."""
        return self.reach + int(np.ceil(self.thickness)) + 2 * self.margin

    @cached_property
    def square(self) -> np.ndarray:
        """Offsets of the pixels in the square around a pivot, (pixels,)."""
        steps = np.arange(-self.half, self.half + 1)
        return (steps[:, None] * self.width + steps).ravel()

    @cached_property
    def lines(self) -> np.ndarray:
        """Coverage of each pixel of `square` by a dash, (K, pixels), 0 to 1."""
        return _share(self._distances(SUBPIXELS) <= self.thickness / 2)

    @cached_property
    def marker(self) -> np.ndarray:
        """Coverage of each pixel of `square` by a marker, (pixels,), 0 to 1."""
        distance = np.hypot(*self._samples(SUBPIXELS))
        return _share(distance <= self.marker_radius)

    def _offsets_within(self, distance: float) -> np.ndarray:
        """Return offsets of pixels within `distance` of a dash; shorter lists repeat their first entry."""
        inside = self._distances(1)[..., 0] <= distance
        counts = inside.sum(axis=1)
        found = np.repeat(inside.argmax(axis=1)[:, None], counts.max(), axis=1)
        direction, pixel = np.nonzero(inside)
        found[direction, np.concatenate([np.arange(count) for count in counts])] = pixel
        return self.square[found]

    def _distances(self, per_side: int) -> np.ndarray:
        """Return the distance of each sample point of `square` from each dash, (K, pixels, samples)."""
        y, x = self._samples(per_side)
        found = []
        for (dy, dx), head in zip(self.directions, self.head_steps, strict=True):
            start = head - self.length * np.array([dy, dx])
            along = np.clip((y - start[0]) * dy + (x - start[1]) * dx, 0, self.length)
            found.append(np.hypot(y - start[0] - along * dy, x - start[1] - along * dx))
        return np.array(found, np.float32)

    def _samples(self, per_side: int) -> tuple[np.ndarray, np.ndarray]:
        """Return y and x of the sample points of `square`, each (pixels, samples)."""
        inside = (np.arange(per_side) + 0.5) / per_side - 0.5
        axis = np.arange(-self.half, self.half + 1)[:, None] + inside
        shape = (len(axis), len(axis), per_side, per_side)
        y = np.broadcast_to(axis[:, None, :, None], shape)
        x = np.broadcast_to(axis[None, :, None, :], shape)
        return y.reshape(len(axis) ** 2, -1), x.reshape(len(axis) ** 2, -1)


def _share(covered: np.ndarray) -> np.ndarray:
    return covered.mean(axis=-1).astype(np.float32)


PATHFINDER = Scene(
    side=32, seed_distance=7, length=2, thickness=0.5, margin=1, continuity=1.0, distractors=5, marker_radius=1.5,
    target_contrast=2.0, distractor_contrast=2.0,
)  # fmt: skip
"""Pathfinder at 32 pixels, contours of 14 (the hard split), with equal contrast."""

PATH_X = tuple(
    Scene(
        side=128, seed_distance=20, length=5, thickness=1.5, margin=margin, continuity=1.8, distractors=8,
        marker_radius=3.0, target_contrast=0.9, distractor_contrast=0.9, retries=16,
    )
    for margin in (2, 3)
)  # fmt: skip
"""Path-X: 128 pixels; half of the images have the wider margin.

With the published 2 retries only one pair in thousands succeeds, and drawing all images would take days.
"""

SMALL_PATH_X = (
    Scene(
        side=64, seed_distance=10, length=3, thickness=1.0, margin=1, continuity=1.4, distractors=6,
        marker_radius=2.0, target_contrast=1.0, distractor_contrast=1.0,
    ),
)  # fmt: skip
"""64 pixels, for tiers where 128 pixels take too long."""
