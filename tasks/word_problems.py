"""Word problems of permutation groups (Liu et al. 2023, arXiv:2210.10749; Merrill et al. 2024, arXiv:2404.08819)."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from ..harness import Budget, register_task
from .groups import running_products, symmetric
from .state_tracking import StateTracking


class _WordProblem(StateTracking):
    """A row is random permutations; the target at each position is their product so far.

    Element g is token g + 1 and class g. With element x, the product changes from a to ``symmetric(points)[a, x]``
    (see `archarena.tasks.groups`).
    """

    points: ClassVar[int]

    def states_of(self, rows: np.ndarray) -> np.ndarray:
        return running_products(rows, symmetric(self.points))


@register_task(
    "state-s3",
    summary="Running product of permutations of three elements, a solvable group. Also tested on longer rows.",
    suites=("state", "quick"),
)
class S3(_WordProblem):
    """The word problem of S3, the smallest group whose products depend on the order."""

    points, symbols, states, window = 3, 6, 6, 4
    arguments: ClassVar = {
        "smoke": {"length": 6, "times": [2, 4], "train": 256, "valid": 64, "test": 128},
        "quick": {"length": 16, "times": [2, 4], "train": 20_000, "valid": 250, "test": 1_000},
        "standard": {"length": 32, "times": [2, 4, 8], "train": 200_000, "valid": 1_000, "test": 2_000},
        "full": {"length": 64, "times": [2, 4, 8], "train": 1_000_000, "valid": 1_000, "test": 5_000},
    }
    budgets: ClassVar = {
        "smoke": Budget(steps=20, batch=16),
        "quick": Budget(steps=1_000, batch=64),
        "standard": Budget(steps=20_000, batch=128),
        "full": Budget(steps=200_000, batch=128),
    }


@register_task(
    "state-s5",
    summary="Running product of permutations of five elements, which is complete for NC1. Also tested on longer rows.",
    suites=("state", "quick"),
)
class S5(_WordProblem):
    """The word problem of S5, the smallest symmetric group that is not solvable.

    Merrill et al. use it as a problem that is complete for the complexity class NC1, while transformers
    and linear recurrences with diagonal transitions are in TC0.
    """

    points, symbols, states, window = 5, 120, 120, 2
    arguments: ClassVar = {
        "smoke": {"length": 4, "times": [2, 4], "train": 256, "valid": 64, "test": 128},
        "quick": {"length": 8, "times": [2, 4], "train": 100_000, "valid": 250, "test": 1_000},
        "standard": {"length": 16, "times": [2, 4], "train": 400_000, "valid": 1_000, "test": 2_000},
        "full": {"length": 20, "times": [2, 4], "train": 800_000, "valid": 1_000, "test": 10_000},
    }
    budgets: ClassVar = {
        "smoke": Budget(steps=20, batch=16),
        "quick": Budget(steps=1_000, batch=128),
        "standard": Budget(steps=20_000, batch=128),
        "full": Budget(steps=1_000_000, batch=64),
    }
