"""Grow Pathfinder's dashed paths on thousands of canvases at once.

The direction of a dash is drawn with weights `Scene.turns` from those that keep its head away from
other paths. If the dash would touch another, the direction is drawn again, up to `Scene.retries`
times. A path without a valid direction is stuck.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from .pathfinder_shapes import Scene

NONE = -1
"""Direction value of dashes not drawn yet."""


@dataclass(frozen=True)
class Canvases:
    """Many canvases of one scene with their paths.

    Attributes
    ----------
    taken, near
        (canvases, width * width) bool: pixels covered by dashes, and pixels forbidden for new heads.
        The last dash of an unfinished path is not in `near`.
    pivots, directions
        (canvases, paths, paddles): the dashes (see `Scene`). Paths 0 and 1 are the long ones.
    """

    scene: Scene
    taken: np.ndarray
    near: np.ndarray
    pivots: np.ndarray
    directions: np.ndarray

    @classmethod
    def empty(cls, scene: Scene, count: int) -> Canvases:
        """Return canvases without paths; the rim and the image's outermost pixels are marked as taken."""
        taken = np.ones((count, scene.width, scene.width), bool)
        inner = slice(scene.rim + 1, scene.width - scene.rim - 1)
        taken[:, inner, inner] = False
        taken = taken.reshape(count, -1)
        shape = (count, 2 + scene.distractors, scene.paddles)
        return cls(scene, taken, taken.copy(), np.zeros(shape, np.int32), np.full(shape, NONE, np.int8))

    @classmethod
    def joined(cls, parts: Sequence[Canvases]) -> Canvases:
        """Concatenate canvases."""
        arrays = zip(*(part._arrays() for part in parts), strict=True)
        return cls(parts[0].scene, *(np.concatenate(array) for array in arrays))

    def only(self, rows: np.ndarray) -> Canvases:
        """Return a copy of the selected canvases."""
        return Canvases(self.scene, *(array[rows] for array in self._arrays()))

    def _arrays(self) -> tuple[np.ndarray, ...]:
        return self.taken, self.near, self.pivots, self.directions

    def __len__(self) -> int:
        return len(self.taken)

    def start(self, rows: np.ndarray, path: int, tails: np.ndarray, directions: np.ndarray) -> np.ndarray:
        """Draw a path's first dash from each tail (n,); return the rows with room for it."""
        pivots = tails - self.scene.tails[directions]
        kept = np.flatnonzero(~self.touching(rows, pivots, directions))
        self._draw(rows[kept], path, 0, pivots[kept], directions[kept])
        return rows[kept]

    def extend(self, rows: np.ndarray, path: int, step: int, generator: np.random.Generator) -> np.ndarray:
        """Draw dash number `step` of a path; return the rows where this succeeded."""
        scene, before = self.scene, self.directions[rows, path, step - 1]
        pivots = self.pivots[rows, path, step - 1] + scene.strides[before]
        open_ = ~self.near.reshape(-1)[self._index(rows, pivots) + scene.heads]
        weights = (scene.turns[before] * open_).cumsum(axis=1)
        directions = np.full(len(rows), NONE, np.int8)
        waiting = np.flatnonzero(weights[:, -1] > 1e-4)
        for _ in range(1 + scene.retries):
            aim = generator.random((len(waiting), 1), dtype=np.float32) * weights[waiting, -1:]
            drawn = (weights[waiting] > aim).argmax(axis=1)
            touching = self.touching(rows[waiting], pivots[waiting], drawn, before[waiting])
            directions[waiting] = np.where(touching, NONE, drawn)
            waiting = waiting[touching]
        kept = np.flatnonzero(directions != NONE)
        rows = rows[kept]
        self.finish(rows, path, step - 1)
        self._draw(rows, path, step, pivots[kept], directions[kept])
        return rows

    def touching(
        self, rows: np.ndarray, pivots: np.ndarray, directions: np.ndarray, before: np.ndarray | None = None
    ) -> np.ndarray:
        """Return which dashes would touch another; `before` is the direction of their path's previous dash."""
        found = self.taken.reshape(-1)[self._index(rows, pivots) + self.scene.taken[directions]]
        if before is not None:
            found &= ~self.scene.own[before, directions]
        return np.any(found, axis=1)

    def finish(self, rows: np.ndarray, path: int, step: int) -> None:
        """Forbid new heads near dash number `step` of a path."""
        near = self.scene.near[self.directions[rows, path, step]]
        self.near.reshape(-1)[self._index(rows, self.pivots[rows, path, step]) + near] = True

    def _draw(self, rows: np.ndarray, path: int, step: int, pivots: np.ndarray, directions: np.ndarray) -> None:
        self.pivots[rows, path, step], self.directions[rows, path, step] = pivots, directions
        self.taken.reshape(-1)[self._index(rows, pivots) + self.scene.taken[directions]] = True

    def _index(self, rows: np.ndarray, places: np.ndarray) -> np.ndarray:
        """Return flat indices (n, 1) in the array of all canvases."""
        return (rows * self.taken.shape[1] + places)[:, None]
