"""What Pathfinder images are made of: a scene's parameters, and its dashes and markers as tables.

A dash hangs on a pivot: it ends at a head on the circle around the pivot, in one of K directions,
and the next dash's pivot lies beyond the head. Places are flat indices in a canvas, which is the
image with a rim around it, so that a table holds offsets.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

SUBPIXELS = 8
"""Samples along each side of a pixel from which its coverage is counted."""

SOFT = 0.25
"""How far into the rim of a dash's space another may come: the published masks are blurred there."""


@dataclass(frozen=True)
class Scene:
    """The parameters of Linsley et al. (2018), arXiv:1805.08315, lengths in pixels.

    Attributes
    ----------
    side
        Of the square image; its outermost pixels stay empty.
    seed_distance
        Between the origins of the two paths.
    length, thickness
        Of a dash.
    margin
        Half the gap between the dashes of a path; other paths keep this distance.
    continuity
        How much turns are avoided: a turn's weight is cos(continuity * angle)^2.
    distractors
        Short paths beside the two, as far as they fit.
    marker_radius
        Of the circles at two ends.
    target_contrast, distractor_contrast
        Factors on the ink of the two long paths and of the others; markers have 1.
    paddles, distractor_paddles
        Dashes of a long and of a short path.
    retries
        How often a dash that touches another is drawn again before its path counts as stuck.
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
        """Return how far a head lies from its pivot."""
        return self.length + self.margin

    @property
    def rim(self) -> int:
        """Return the pixels around the image that keep all dashes within a canvas."""
        return 2 * self.reach + 3 * self.margin

    @property
    def width(self) -> int:
        """Return the side of a canvas."""
        return self.side + 2 * self.rim

    def flat(self, places: np.ndarray) -> np.ndarray:
        """Return the flat indices of places (..., 2) in a canvas."""
        return places[..., 0] * self.width + places[..., 1]

    @cached_property
    def head_steps(self) -> np.ndarray:
        """Return the steps (y, x) from pivot to head, one a pixel of the circle, (K, 2)."""
        circle = self.around(self.reach, 2 * np.pi * self.reach)
        return np.unique(circle, axis=0)

    @staticmethod
    def around(radius: float, count: float) -> np.ndarray:
        """Return `count` places (y, x) around 0, evenly, to the nearest pixel."""
        angles = np.arange(0, 2 * np.pi, 2 * np.pi / count)
        return np.round(radius * np.stack([np.sin(angles), np.cos(angles)], axis=1)).astype(np.int64)

    @cached_property
    def directions(self) -> np.ndarray:
        """Return unit vectors along `head_steps`, (K, 2)."""
        return self.head_steps / np.hypot(*self.head_steps.T)[:, None]

    @cached_property
    def heads(self) -> np.ndarray:
        """Return offsets from pivot to head, (K,)."""
        return self.flat(self.head_steps)

    @cached_property
    def tails(self) -> np.ndarray:
        """Return offsets from pivot to tail, the end of a dash near its pivot, (K,)."""
        return self.flat(np.round(self.head_steps - self.length * self.directions).astype(np.int64))

    @cached_property
    def strides(self) -> np.ndarray:
        """Return offsets from a dash's pivot to the next one's, (K,)."""
        return self.flat(np.round((self.length + 2 * self.margin) * self.directions).astype(np.int64))

    @cached_property
    def turns(self) -> np.ndarray:
        """Return the weight of each direction after each, (K, K)."""
        angle = np.arccos(np.clip(self.directions @ self.directions.T, -1, 1))
        return (np.cos(np.minimum(self.continuity * angle, np.pi / 2)) ** 2).astype(np.float32)

    @cached_property
    def taken(self) -> np.ndarray:
        """Return offsets from the pivot to where no other dash may lie, (K, m)."""
        return self._offsets_within(self.thickness / 2 + self.margin - SOFT)

    @cached_property
    def near(self) -> np.ndarray:
        """Return offsets from the pivot to where no other path's head may lie, (K, m)."""
        return self._offsets_within(self.thickness / 2 + 2 * self.margin - SOFT)

    @cached_property
    def own(self) -> np.ndarray:
        """Return which of a dash's `taken` pixels are those of the dash before it too, (K, K, m)."""
        before, after = self.taken - self.strides[:, None], self.taken
        return (after[None, :, :, None] == before[:, None, None, :]).any(axis=-1)

    @property
    def half(self) -> int:
        """Return the half side of the square around a pivot that holds a dash."""
        return self.reach + int(np.ceil(self.thickness)) + 2 * self.margin

    @cached_property
    def square(self) -> np.ndarray:
        """Return offsets of that square's pixels, (pixels,)."""
        steps = np.arange(-self.half, self.half + 1)
        return (steps[:, None] * self.width + steps).ravel()

    @cached_property
    def lines(self) -> np.ndarray:
        """Return the coverage of each pixel of `square` by a dash, (K, pixels) in 0 to 1."""
        return _share(self._distances(SUBPIXELS) <= self.thickness / 2)

    @cached_property
    def marker(self) -> np.ndarray:
        """Return the coverage of each pixel of `square` by a circle, (pixels,) in 0 to 1."""
        distance = np.hypot(*self._samples(SUBPIXELS))
        return _share(distance <= self.marker_radius)

    def _offsets_within(self, distance: float) -> np.ndarray:
        """Return offsets of pixels so near a dash; shorter lists repeat their first entry."""
        inside = self._distances(1)[..., 0] <= distance
        counts = inside.sum(axis=1)
        found = np.repeat(inside.argmax(axis=1)[:, None], counts.max(), axis=1)
        direction, pixel = np.nonzero(inside)
        found[direction, np.concatenate([np.arange(count) for count in counts])] = pixel
        return self.square[found]

    def _distances(self, per_side: int) -> np.ndarray:
        """Return how far each sample point of `square` lies from each dash, (K, pixels, samples)."""
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

With the published 2 retries one pair in thousands succeeds, and all images would take days.
"""

SMALL_PATH_X = (
    Scene(
        side=64, seed_distance=10, length=3, thickness=1.0, margin=1, continuity=1.4, distractors=6,
        marker_radius=2.0, target_contrast=1.0, distractor_contrast=1.0,
    ),
)  # fmt: skip
"""A step between the two: 64 pixels, for tiers to which 128 are too long."""
