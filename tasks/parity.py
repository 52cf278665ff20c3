"""Parity of bits (Delétang et al. 2023, arXiv:2207.02098; with a target per position, Liu et al. 2023)."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from ..harness import Budget, register_task
from .state_tracking import StateTracking


@register_task(
    "state-parity",
    summary="Is the number of ones so far odd? Also tested on longer rows (Delétang et al. 2023).",
    suites=("state", "quick"),
)
class Parity(StateTracking):
    """A row is random bits; the target at each position is the number of ones so far, modulo 2.

    Delétang et al. train on rows of 1 to 40 bits with one answer per row and test on up to 500 bits. Here
    every prefix has a target, as in Liu et al. 2023, "Transformers learn shortcuts to automata",
    arXiv:2210.10749, so the last position of a row is their question.
    """

    symbols, states = 2, 2
    arguments: ClassVar = {
        "smoke": {"length": 12, "times": [2, 4], "train": 256, "valid": 64, "test": 128},
        "quick": {"length": 20, "times": [2, 4], "train": 20_000, "valid": 250, "test": 1_000},
        "standard": {"length": 40, "times": [2, 4, 8], "train": 200_000, "valid": 1_000, "test": 2_000},
        "full": {"length": 40, "times": [2, 4, 12.5], "train": 1_000_000, "valid": 1_000, "test": 5_000},
    }
    budgets: ClassVar = {
        "smoke": Budget(steps=20, batch=16),
        "quick": Budget(steps=1_000, batch=32),
        "standard": Budget(steps=20_000, batch=128),
        "full": Budget(steps=200_000, batch=128),
    }

    def states_of(self, rows: np.ndarray) -> np.ndarray:
        return (rows.cumsum(axis=1) % 2).astype(np.int8)
