"""How large and how long: recipes and tiers.

Everything here that can change a number is part of a cell's key.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any, Literal

from ..contract.spec import Size

PROTOCOL = 2
"""Raised whenever the same cell would be trained, scored or timed differently."""

IMPROVEMENT = 1e-6
"""A validation score that is better by less than this has stalled (FuxiCTR's rule)."""

CYCLES = 4
"""Cycles of a cyclic schedule, each twice as long as the one before; the warm-up is as long as the first."""

TRADE_OFF_NOISE = 0.007
"""Cyclic and separate runs of Portes et al. 2022 differed by up to 0.72 points of accuracy."""


@dataclass(frozen=True)
class Recipe:
    """How a try is trained.

    Every learning rate in `learning_rates` gets the first `probe` share of the schedule; the one
    with the lowest validation loss goes on to its end. Validation loss decides because accuracy
    hardly moves while a model is still near chance. The weights with the best validation score
    are kept, and only they see the test rows. A single learning rate is not probed.

    Attributes
    ----------
    name
        ``"common"``, the same for all models; ``"published"``, from a model's card;
        ``"trade-off"``, the common one with a cyclic schedule.
    schedule
        After the warm-up: ``"cosine"`` or ``"linear"`` down to ``floor`` times the peak,
        ``"constant"``, or ``"plateau"``: each time the validation score has stalled for
        `plateau_patience` evaluations, the rate is multiplied by `plateau_factor`, down to
        `min_rate`. ``"cyclic"``: cosine from the peak to zero in cycles, each twice as long as the
        one before, after a warm-up as long as the first; validation rows are read at their ends.
    warmup, warmup_steps
        Length of the linear warm-up, as a share of all steps or, where not 0, in steps.
    weight_decay
        Decoupled for ``"adamw"``, part of the gradient for ``"adam"``.
    embedding_l2
        Adds ``embedding_l2 / 2 * sum(W**2)`` over the whole of every embedding table to the loss
        of each step, as FuxiCTR does, whichever rows the batch holds.
    clip
        Bound of the gradient's norm; 0 leaves it as it is.
    evaluations
        How often the validation rows are read; once an epoch where the budget is in epochs.
    stop_after
        Ends a try after so many stalled evaluations in a row; 0 never does.
    metric
        Read on the validation rows; by default that of the task's first evaluation.
    """

    name: Literal["common", "published", "trade-off"]
    learning_rates: tuple[float, ...]
    probe: float = 0.2
    optimizer: Literal["adamw", "adam"] = "adamw"
    betas: tuple[float, float] = (0.9, 0.999)
    eps: float = 1e-8
    weight_decay: float = 0.0
    embedding_l2: float = 0.0
    schedule: Literal["cosine", "linear", "constant", "plateau", "cyclic"] = "cosine"
    warmup: float = 0.0
    warmup_steps: int = 0
    floor: float = 0.0
    plateau_factor: float = 0.1
    plateau_patience: int = 1
    min_rate: float = 1e-6
    clip: float = 0.0
    evaluations: int = 10
    stop_after: int = 0
    metric: str | None = None

    def probe_steps(self, steps: int) -> int:
        """Return how many of `steps` optimiser steps every learning rate gets."""
        return max(1, round(self.probe * steps)) if len(self.learning_rates) > 1 else steps

    def rate(self, peak: float, step: int, steps: int) -> float:
        """Return the learning rate of a step by the schedule; plateaus come on top."""
        if self.schedule == "cyclic":
            return peak * self._cyclic_share(step, steps)
        warm = self.warmup_steps or max(1, round(self.warmup * steps))
        if step < warm:
            return peak * (step + 1) / warm
        turn = (step - warm) / max(1, steps - warm)
        match self.schedule:
            case "cosine":
                share = 0.5 * (1 + math.cos(math.pi * turn))
            case "linear":
                share = 1 - turn
            case _:
                share = 1.0
        return peak * (self.floor + (1 - self.floor) * share)

    def _cyclic_share(self, step: int, steps: int) -> float:
        first = _first_cycle(steps)
        if step < first:
            return (step + 1) / first
        cycle = min((step // first).bit_length(), CYCLES) - 1
        begins, ends = first * 2**cycle, self.cycle_ends(steps)[cycle]
        return 0.5 * (1 + math.cos(math.pi * (step - begins) / (ends - begins)))

    def cycle_ends(self, steps: int) -> list[int]:
        """Return after how many steps each cycle of a cyclic schedule ends; the last one with the run."""
        return [*(_first_cycle(steps) * 2**cycle for cycle in range(1, CYCLES)), steps]

    def evaluates_after(self, step: int, steps: int) -> bool:
        """Return whether the validation rows are read once `step` steps are done."""
        if self.schedule == "cyclic":
            return step in self.cycle_ends(steps) or step == self.probe_steps(steps)
        every = max(1, steps // self.evaluations)
        return step % every == 0 or step in (steps, self.probe_steps(steps))


def _first_cycle(steps: int) -> int:
    return max(1, steps // 2**CYCLES)


def trade_off(recipe: Recipe) -> Recipe:
    """Return a recipe with a cyclic schedule; its rates are probed to the end of the last cycle but two."""
    return replace(recipe, name="trade-off", schedule="cyclic", probe=0.5 ** (CYCLES - 2))


@dataclass(frozen=True)
class Training:
    """How a cell is trained: by which recipe, how long, and at which size.

    Attributes
    ----------
    steps, epochs
        The length of a try: optimiser steps, or passes over the training rows; one of them.
    batch
        Rows a step.
    size
        None where the width is fitted to the tier's budget of parameters.
    hyperparameters
        What the recipe sets beside those of the variant.
    """

    recipe: Recipe
    batch: int
    steps: int | None = None
    epochs: int | None = None
    size: Size | None = None
    hyperparameters: tuple[tuple[str, Any], ...] = ()

    def over(self, rows: int) -> tuple[Recipe, int]:
        """Return the recipe and the optimiser steps of a try over so many training rows."""
        if self.epochs is None:
            return self.recipe, self.steps or 0
        return replace(self.recipe, evaluations=self.epochs), self.epochs * max(1, rows // self.batch)
