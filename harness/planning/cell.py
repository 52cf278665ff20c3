"""Variants, planned tasks, cells and plans."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..contract.scan import Entry
from ..contract.task import Budget, Task
from .recipe import Training
from .tier import Tier


@dataclass(frozen=True)
class Variant:
    """A model with specific hyperparameters: a row of the leaderboard.

    ``depth``, if set, is not passed as a hyperparameter but replaces the tier's number of blocks.
    """

    entry: Entry
    hyperparameters: tuple[tuple[str, Any], ...] = ()

    @property
    def name(self) -> str:
        """Return the row name, such as ``mamba`` or ``mamba[d_state=8]``."""
        settings = ",".join(f"{key}={value}" for key, value in self.hyperparameters)
        return f"{self.entry.name}[{settings}]" if settings else self.entry.name

    @property
    def depth(self) -> int | None:
        """Return the requested number of blocks, or None."""
        return dict(self.hyperparameters).get("depth")

    @property
    def model_hyperparameters(self) -> dict[str, Any]:
        """Return the hyperparameters without ``depth``."""
        return {name: value for name, value in self.hyperparameters if name != "depth"}


@dataclass(frozen=True)
class PlannedTask:
    """A task at one tier: an instance created with that tier's arguments."""

    entry: Entry
    task: Task
    tier: Tier

    @classmethod
    def of(cls, entry: Entry, tier: Tier) -> PlannedTask:
        """Import a task's class and make it with the arguments of a tier."""
        made: type[Task] = entry.load()
        return cls(entry, made(**made.arguments[tier.name]), tier)

    @property
    def name(self) -> str:
        return self.entry.name

    @property
    def budget(self) -> Budget:
        return self.task.budgets[self.tier.name]

    @property
    def reduced(self) -> bool:
        """Return whether the task has been published and this tier differs from the published setup."""
        published = self.task.published_tiers
        return published is not None and self.tier.name not in published

    def column(self, evaluation: str) -> str:
        """Return the column name of one of the task's evaluations."""
        return f"{self.name}-{evaluation}" if evaluation else self.name


@dataclass(frozen=True)
class Cell:
    """One (variant, task, tier, recipe, seed).

    Attributes
    ----------
    training
        How the cell is trained; None if the model has no published recipe for the task.
    """

    variant: Variant
    task: PlannedTask
    seed: int
    recipe: str
    training: Training | None

    @property
    def name(self) -> str:
        return cell_name(self.variant.name, self.task.name, self.task.tier.name, self.recipe, self.seed)

    @property
    def depth(self) -> int:
        """Return the number of blocks used if the recipe sets no size."""
        return self.variant.depth or self.task.tier.depth


def cell_name(variant: str, task: str, tier: str, recipe: str, seed: int) -> str:
    """Return ``VARIANT/TASK/TIER/sSEED``, with ``/RECIPE`` before the seed unless it is the common recipe."""
    between = "" if recipe == "common" else f"/{recipe}"
    return f"{variant}/{task}/{tier}{between}/s{seed}"


@dataclass(frozen=True)
class Plan:
    """The cells to run, and a note for each task left out."""

    cells: tuple[Cell, ...]
    notes: tuple[str, ...] = ()

    @property
    def tasks(self) -> list[PlannedTask]:
        return list({cell.task.name: cell.task for cell in self.cells}.values())


@dataclass(frozen=True)
class Keyed:
    """A cell with its key, the parts of the key, and the folder of its arrays."""

    cell: Cell
    key: str
    parts: dict[str, Any]
    arrays: Path
