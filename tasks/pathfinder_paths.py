"""Grow Pathfinder's dashed paths on thousands of canvases at once.

The head of a dash is drawn with weights `Scene.turns`, reduced where it comes near a mask. If the dash
would touch a mask, the head is drawn again, up to `Scene.retries` times. A path without a valid head is
stuck. As in the published code, a dash becomes part of the mask when its path goes on, so a path does
not touch its own last dash.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from .pathfinder_shapes import FULL, SEEDS, TOUCHING, Scene

NONE = -1
"""Direction value of dashes not drawn yet."""


@dataclass(frozen=True)
class Canvases:
    """Many canvases of one scene with their paths.

    Attributes
    ----------
    mask
        (canvases, width * width) uint8: how much of each pixel is kept from new dashes, up to `FULL`.
    pivots, directions
        (canvases, paths, paddles): the dashes (see `Scene`). Paths 0 and 1 are the long ones.
    """

    scene: Scene
    mask: np.ndarray
    pivots: np.ndarray
    directions: np.ndarray

    @classmethod
    def empty(cls, scene: Scene, count: int) -> Canvases:
        """Return canvases without paths; the rim and the image's outermost pixels are masked."""
        mask = np.full((count, scene.width, scene.width), FULL, np.uint8)
        inner = slice(scene.rim + 1, scene.width - scene.rim - 1)
        mask[:, inner, inner] = 0
        shape = (count, 2 + scene.distractors, scene.paddles)
        return cls(scene, mask.reshape(count, -1), np.zeros(shape, np.int32), np.full(shape, NONE, np.int16))

    @classmethod
    def joined(cls, parts: Sequence[Canvases]) -> Canvases:
        """Concatenate canvases."""
        arrays = zip(*(part._arrays() for part in parts), strict=True)
        return cls(parts[0].scene, *(np.concatenate(array) for array in arrays))

    def only(self, rows: np.ndarray) -> Canvases:
        """Return a copy of the selected canvases."""
        return Canvases(self.scene, *(array[rows] for array in self._arrays()))

    def _arrays(self) -> tuple[np.ndarray, ...]:
        return self.mask, self.pivots, self.directions

    def __len__(self) -> int:
        return len(self.mask)

    def start(self, rows: np.ndarray, path: int, tails: np.ndarray, directions: np.ndarray) -> None:
        """Draw a path's first dash from each tail (n,), without looking at the mask."""
        self._draw(rows, path, 0, tails - self.scene.anchors[directions], directions)

    def extend(self, rows: np.ndarray, path: int, step: int, generator: np.random.Generator) -> np.ndarray:
        """Draw dash number `step` of a path; return the rows where this succeeded."""
        scene, before = self.scene, self.directions[rows, path, step - 1]
        pivots = self.pivots[rows, path, step - 1] + scene.strides[before]
        around = (scene.anchors[SEEDS:, None] + scene.disk).ravel()
        near = self.mask.reshape(-1)[self._index(rows, pivots) + around]
        nearest = near.reshape(len(rows), len(scene.head_steps), len(scene.disk)).max(axis=2)
        weights = (scene.turns[before] * (1 - nearest.astype(np.float32) / FULL)).cumsum(axis=1)
        directions = np.full(len(rows), NONE, np.int16)
        waiting = np.flatnonzero(weights[:, -1] > 1e-4)
        for _ in range(1 + scene.retries):
            aim = generator.random((len(waiting), 1), dtype=np.float32) * weights[waiting, -1:]
            drawn = SEEDS + (weights[waiting] > aim).argmax(axis=1)
            touching = self._touching(rows[waiting], pivots[waiting], drawn)
            directions[waiting] = np.where(touching, NONE, drawn)
            waiting = waiting[touching]
        kept = np.flatnonzero(directions != NONE)
        rows = rows[kept]
        self.finish(rows, path, step - 1)
        self._draw(rows, path, step, pivots[kept], directions[kept])
        return rows

    def _touching(self, rows: np.ndarray, pivots: np.ndarray, directions: np.ndarray) -> np.ndarray:
        """Return which dashes would touch a mask."""
        offsets, values = self.scene.cores
        places = self._index(rows, pivots + self.scene.anchors[directions]) + offsets[directions]
        return np.any(self.mask.reshape(-1)[places].astype(np.int16) + values[directions] >= TOUCHING, axis=1)

    def finish(self, rows: np.ndarray, path: int, step: int) -> None:
        """Add dash number `step` of a path to the mask."""
        scene, directions = self.scene, self.directions[rows, path, step]
        places = self._index(rows, self.pivots[rows, path, step] + scene.anchors[directions]) + scene.square
        flat = self.mask.reshape(-1)
        flat[places] = np.maximum(flat[places], scene.masks[directions])

    def _draw(self, rows: np.ndarray, path: int, step: int, pivots: np.ndarray, directions: np.ndarray) -> None:
        self.pivots[rows, path, step], self.directions[rows, path, step] = pivots, directions

    def _index(self, rows: np.ndarray, places: np.ndarray) -> np.ndarray:
        """Return flat indices (n, 1) in the array of all canvases."""
        return (rows * self.mask.shape[1] + places)[:, None]
