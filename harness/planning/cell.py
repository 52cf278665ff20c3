"""planning.cell."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..contract.scan import Entry
from ..contract.task import Budget, Task
from .recipe import Training
from .tier import Tier

RECIPES = ("common", "published", "trade-off")


@dataclass(frozen=True)
class Variant:
    """A model with hyperparameters set: a row of the board.

    ``depth`` may be among them; it is the harness's, and replaces the tier's number of blocks.
    """

    entry: Entry
    hyperparameters: tuple[tuple[str, Any], ...] = ()

    @property
    def name(self) -> str:
        """Return the name of the row, such as ``mamba`` or ``mamba[d_state=8]``."""
        settings = ",".join(f"{key}={value}" for key, value in self.hyperparameters)
        return f"{self.entry.name}[{settings}]" if settings else self.entry.name

    @property
    def depth(self) -> int | None:
        """Return the number of blocks that was asked for, if any was."""
        return dict(self.hyperparameters).get("depth")

    @property
    def model_hyperparameters(self) -> dict[str, Any]:
        """Return what the model itself is made with."""
        return {name: value for name, value in self.hyperparameters if name != "depth"}


@dataclass(frozen=True)
class PlannedTask:
    """A task at one tier: its class, made with that tier's arguments."""

    entry: Entry
    task: Task
    tier: Tier

    @property
    def name(self) -> str:
        """Return the task's name."""
        return self.entry.name

    @property
    def budget(self) -> Budget:
        """Return how long the task trains at this tier."""
        return self.task.budgets[self.tier.name]

    @property
    def reduced(self) -> bool:
        """Return whether the size is below the published one."""
        return self.tier.name not in self.task.published_tiers

    def column(self, evaluation: str) -> str:
        """Return the board's name for one of the task's evaluations."""
        return f"{self.name}-{evaluation}" if evaluation else self.name


@dataclass(frozen=True)
class Cell:
    """One (variant, task, tier, recipe, seed).

    Attributes
    ----------
    training
        How it is trained; None where the model has no published recipe for the task.
    """

    variant: Variant
    task: PlannedTask
    seed: int
    recipe: str
    training: Training | None

    @property
    def name(self) -> str:
        """Return the cell as commands take it."""
        return cell_name(self.variant.name, self.task.name, self.task.tier.name, self.recipe, self.seed)

    @property
    def depth(self) -> int:
        """Return the number of blocks, where no recipe sets the size."""
        return self.variant.depth or self.task.tier.depth


def cell_name(variant: str, task: str, tier: str, recipe: str, seed: int) -> str:
    """Return ``VARIANT/TASK/TIER/sSEED``, with ``/RECIPE`` before the seed where it is not the common one."""
    between = "" if recipe == "common" else f"/{recipe}"
    return f"{variant}/{task}/{tier}{between}/s{seed}"


@dataclass(frozen=True)
class Plan:
    """The cells to run, and one sentence for each thing left out."""

    cells: tuple[Cell, ...]
    notes: tuple[str, ...] = ()

    @property
    def tasks(self) -> list[PlannedTask]:
        """Return the tasks of the plan, each once."""
        return list({cell.task.name: cell.task for cell in self.cells}.values())


@dataclass(frozen=True)
class Keyed:
    """A cell with its key, the parts of it, and where its arrays lie."""

    cell: Cell
    key: str
    parts: dict[str, Any]
    arrays: Path
