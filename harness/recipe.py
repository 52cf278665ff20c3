"""How large and how long: tiers, and the recipe that trains every model alike.

Everything here that can change a number is part of a cell's key.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from .errors import UserError, did_you_mean

PROTOCOL = 1
"""Raised whenever the same cell would be trained, scored or timed differently."""


@dataclass(frozen=True)
class Recipe:
    """How a try is trained.

    Every learning rate in `learning_rates` gets the first `probe` share of the schedule; the one
    with the lowest validation loss goes on to its end. Validation loss decides because accuracy
    hardly moves while a model is still near chance. The weights with the best validation score
    are kept, and only they see the test rows.
    """

    name: str
    learning_rates: tuple[float, ...]
    probe: float = 0.2
    warmup: float = 0.05
    floor: float = 0.1
    weight_decay: float = 0.01
    betas: tuple[float, float] = (0.9, 0.95)
    clip: float = 1.0
    evaluations: int = 10

    def probe_steps(self, steps: int) -> int:
        """Return how many of `steps` optimiser steps every learning rate gets."""
        return max(1, round(self.probe * steps))

    def rate(self, peak: float, step: int, steps: int) -> float:
        """Return the learning rate of a step: linear warm-up, then cosine to ``floor * peak``."""
        warm = max(1, round(self.warmup * steps))
        if step < warm:
            return peak * (step + 1) / warm
        turn = (step - warm) / max(1, steps - warm)
        return peak * (self.floor + (1 - self.floor) * 0.5 * (1 + math.cos(math.pi * turn)))

    def evaluates_after(self, step: int, steps: int) -> bool:
        """Return whether the validation rows are read once `step` steps are done."""
        every = max(1, steps // self.evaluations)
        return step % every == 0 or step in (steps, self.probe_steps(steps))


@dataclass(frozen=True)
class Tier:
    """A size: how many blocks, how many body parameters, and what a trial may use."""

    name: str
    depth: int
    body_parameters: int
    recipe: Recipe
    seeds: int = 1
    threads: int = 1
    precision: Literal["fp32", "bf16"] = "fp32"
    compile: bool = False
    aim_seconds: float = 20.0
    seconds: float = 900.0
    memory_gib: float = 6.0


TIERS = {
    tier.name: tier
    for tier in (
        Tier("smoke", depth=2, body_parameters=12_000, recipe=Recipe("common", (3e-3, 1e-2)), aim_seconds=4.0),
        Tier("quick", depth=2, body_parameters=100_000, recipe=Recipe("common", (5e-3, 2e-2))),
        Tier(
            "standard",
            depth=4,
            body_parameters=1_000_000,
            recipe=Recipe("common", (3e-4, 1e-3, 3e-3, 1e-2)),
            seeds=3,
            threads=4,
            precision="bf16",
            compile=True,
            aim_seconds=300.0,
            seconds=3600.0,
            memory_gib=32.0,
        ),
        Tier(
            "full",
            depth=6,
            body_parameters=4_000_000,
            recipe=Recipe("common", (3e-4, 1e-3, 3e-3), evaluations=40),
            seeds=5,
            threads=4,
            precision="bf16",
            compile=True,
            aim_seconds=4 * 3600.0,
            seconds=48 * 3600.0,
            memory_gib=64.0,
        ),
    )
}
"""`precision` and `compile` hold on a GPU; a CPU trains in fp32, uncompiled."""


def get_tier(name: str) -> Tier:
    """Return the tier called `name`, or raise `UserError` with the closest known name."""
    if name not in TIERS:
        raise UserError(f"There is no tier '{name}'.{did_you_mean(name, TIERS)} Known: {', '.join(TIERS)}.")
    return TIERS[name]
