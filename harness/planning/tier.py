"""The tiers and their common recipes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from ..errors import unknown
from .recipe import Recipe


def common(*learning_rates: float, evaluations: int = 24) -> Recipe:
    """Return the recipe shared by all models, with the learning rates to probe."""
    return Recipe(
        "common",
        learning_rates,
        betas=(0.9, 0.95),
        weight_decay=0.01,
        schedule="decay",
        patience=1 / 3,
        warmup=0.05,
        clip=1.0,
        evaluations=evaluations,
    )


SIZE_TOLERANCE = 0.05
"""Largest relative deviation from the tier's body size at which models are compared."""


@dataclass(frozen=True)
class Tier:
    """The size of a comparison: number of blocks, body size, and limits per trial on time and memory.

    `aim_seconds` is the intended time of a trial, used only to estimate the time of a run.
    """

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
        Tier("smoke", depth=2, body_parameters=12_000, recipe=common(3e-3, 1e-2, evaluations=10), aim_seconds=4.0),
        Tier("quick", depth=2, body_parameters=38_000, recipe=common(5e-3, 2e-2)),
        Tier(
            "standard",
            depth=4,
            body_parameters=1_000_000,
            recipe=common(3e-4, 1e-3, 3e-3, 1e-2),
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
            recipe=common(3e-4, 1e-3, 3e-3, evaluations=40),
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
"""`precision` and `compile` apply on a GPU; a CPU trains in fp32, uncompiled."""


def get_tier(name: str) -> Tier:
    """Return the tier called `name`, or raise `UserError` with the closest known name."""
    if name not in TIERS:
        raise unknown("tier", name, TIERS)
    return TIERS[name]
