"""Word problems of permutation groups (Liu et al. 2023, arXiv:2210.10749; Merrill et al. 2024, arXiv:2404.08819)."""

from __future__ import annotations

from itertools import permutations
from typing import ClassVar

import numpy as np

from ..harness import Budget, register_task
from .groups import running_products, symmetric
from .state_tracking import StateTracking

SWAP_AND_CYCLE = ["10234", "12340"]


class _WordProblem(StateTracking):
    """A row is random permutations; the target at each position is their product so far.

    The classes are the elements of the group, in lexicographic order. With element x, the product changes
    from a to ``symmetric(points)[a, x]`` (see `archarena.tasks.groups`).

    Parameters
    ----------
    length, times, train, valid, test
        As in `StateTracking`.
    alphabet
        The permutations that rows consist of, written as images: ``"120"`` maps 0 to 1, 1 to 2 and 2 to 0.
        None for all elements, as published.
    """

    points: ClassVar[int]

    def __init__(
        self, length: int, times: list[float], train: int, valid: int, test: int, alphabet: list[str] | None = None
    ):
        elements = ["".join(map(str, images)) for images in permutations(range(self.points))]
        self.states = len(elements)
        self.elements = np.array([elements.index(images) for images in alphabet or elements], np.int8)
        self.symbols = len(self.elements)
        super().__init__(length, times, train, valid, test)

    def states_of(self, rows: np.ndarray) -> np.ndarray:
        return running_products(self.elements[rows], symmetric(self.points))


@register_task(
    "state-s3",
    summary="Running product of permutations of three elements (S3). Also tested on longer rows (Merrill et al. 2024).",
    suites=("state", "quick"),
)
class S3(_WordProblem):
    """The word problem of S3, the smallest group whose products depend on the order."""

    points = 3
    arguments: ClassVar = {
        "smoke": {"length": 6, "times": [2, 4], "train": 256, "valid": 64, "test": 128},
        "quick": {"length": 12, "times": [2, 4], "train": 20_000, "valid": 250, "test": 1_000},
        "standard": {"length": 32, "times": [2, 4, 8], "train": 200_000, "valid": 1_000, "test": 2_000},
        "full": {"length": 64, "times": [2, 4, 8], "train": 1_000_000, "valid": 1_000, "test": 5_000},
    }
    budgets: ClassVar = {
        "smoke": Budget(steps=20, batch=16),
        "quick": Budget(steps=1_000, batch=32),
        "standard": Budget(steps=20_000, batch=128),
        "full": Budget(steps=200_000, batch=128),
    }


@register_task(
    "state-s5",
    summary="Running product of permutations of five elements (S5). Also tested on longer rows (Merrill et al. 2024).",
    suites=("state", "quick"),
)
class S5(_WordProblem):
    """The word problem of S5, the smallest symmetric group that is not solvable.

    Merrill et al. use it as a problem that is complete for the complexity class NC1, while transformers
    and linear recurrences with diagonal transitions are in TC0. They draw from all 120 elements. The tiers
    `smoke` and `quick` draw from a transposition and a cycle, which generate the group, because a table
    of 120 by 120 products is not learned within their budgets.
    """

    points = 5
    arguments: ClassVar = {
        "smoke": {"length": 12, "times": [2, 4], "train": 256, "valid": 64, "test": 128, "alphabet": SWAP_AND_CYCLE},
        "quick": {
            "length": 16,
            "times": [2, 4],
            "train": 20_000,
            "valid": 250,
            "test": 1_000,
            "alphabet": SWAP_AND_CYCLE,
        },
        "standard": {"length": 16, "times": [2, 4], "train": 400_000, "valid": 1_000, "test": 2_000},
        "full": {"length": 20, "times": [2, 4], "train": 800_000, "valid": 1_000, "test": 10_000},
    }
    budgets: ClassVar = {
        "smoke": Budget(steps=20, batch=16),
        "quick": Budget(steps=1_000, batch=32),
        "standard": Budget(steps=20_000, batch=128),
        "full": Budget(steps=1_000_000, batch=64),
    }
