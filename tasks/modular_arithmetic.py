"""Arithmetic modulo 5 without brackets (Delétang et al. 2023, arXiv:2207.02098)."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from ..harness import IGNORE, Budget, register_task
from .state_tracking import StateTracking

MODULUS = 5
PLUS, MINUS, TIMES = range(MODULUS, MODULUS + 3)


@register_task(
    "state-arithmetic",
    summary="The value modulo 5 of sums of products so far. Also tested on longer rows (Delétang et al. 2023).",
    suites=("state", "quick"),
)
class ModularArithmetic(StateTracking):
    """A row is ``d o d o ... d``: digits 0 to 4, and operators ``+``, ``-`` and ``*`` between them.

    The target at each digit is the value modulo 5 of the expression so far; products come before sums.
    Operators are not scored. Delétang et al. train on rows of 1 to 40 tokens with one answer per row and
    test on up to 500 tokens; here every prefix that is an expression has a target.
    """

    symbols, states = MODULUS + 3, MODULUS
    arguments: ClassVar = {
        "smoke": {"length": 9, "times": [2, 4], "train": 256, "valid": 64, "test": 128},
        "quick": {"length": 19, "times": [2, 4], "train": 20_000, "valid": 250, "test": 1_000},
        "standard": {"length": 39, "times": [2, 4, 8], "train": 200_000, "valid": 1_000, "test": 2_000},
        "full": {"length": 39, "times": [2, 4, 12.8], "train": 1_000_000, "valid": 1_000, "test": 5_000},
    }
    budgets: ClassVar = {
        "smoke": Budget(steps=20, batch=16),
        "quick": Budget(steps=1_000, batch=32),
        "standard": Budget(steps=20_000, batch=128),
        "full": Budget(steps=200_000, batch=128),
    }

    def draw(self, generator: np.random.Generator, length: int, n: int) -> np.ndarray:
        rows = generator.integers(MODULUS, size=(n, length), dtype=np.int8)
        rows[:, 1::2] = generator.integers(PLUS, TIMES + 1, size=(n, length // 2), dtype=np.int8)
        return rows

    def states_of(self, rows: np.ndarray) -> np.ndarray:
        values = np.full_like(rows, IGNORE)
        total, product = np.zeros(len(rows), np.int64), np.ones(len(rows), np.int64)
        for place in range(0, rows.shape[1], 2):
            digit = rows[:, place].astype(np.int64)
            if place == 0:
                product = digit
            else:
                operator = rows[:, place - 1]
                times = operator == TIMES
                total = np.where(times, total, (total + product) % MODULUS)
                product = np.where(times, product * digit, np.where(operator == MINUS, -digit, digit)) % MODULUS
            values[:, place] = (total + product) % MODULUS
        return values
