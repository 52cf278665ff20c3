"""Training recipes and schedules.

Every setting here that can change a result is part of a cell's key.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any, Literal

from ..contract.spec import Size

PROTOCOL = 4
"""Increased whenever the same cell would be trained, scored or timed differently."""

IMPROVEMENT = 1e-6
"""A validation score that improves by less than this has stalled (the rule of FuxiCTR)."""

VALIDATED_ROWS, FEWEST_EVALUATIONS = 0.2, 20
"""Rows in all validation passes per training row, at most, unless that needs fewer passes than the second number.

A forward pass costs about a third of a training step, so validation takes about 7 % of the time of training.
"""

CYCLES = 4
"""Number of cycles in a cyclic schedule; each is twice as long as the last, and the warm-up is as long as the first."""

TRADE_OFF_NOISE = 0.007
"""Cyclic and separate runs of Portes et al. 2022 differed by up to 0.72 points of accuracy."""


@dataclass(frozen=True)
class Recipe:
    """How an attempt is trained.

    Every learning rate in `learning_rates` is trained for the fraction `probe` of the schedule; the
    one with the lowest validation loss continues to the end. Validation loss decides because
    accuracy hardly changes while a model is near chance. The weights with the best validation score
    are kept, and only those are tested. A single learning rate is not probed.

    Attributes
    ----------
    name
        ``"common"``, the same for all models; ``"published"``, from a model's card;
        ``"trade-off"``, the common recipe with a cyclic schedule.
    schedule
        After the warm-up: ``"cosine"`` or ``"linear"`` down to ``floor`` times the peak,
        ``"constant"``, or ``"plateau"``: whenever the validation score has stalled for
        `plateau_patience` evaluations, the rate is multiplied by `plateau_factor`, down to
        `min_rate`. ``"cyclic"``: cosine from the peak to zero in cycles, each twice as long as the
        last, after a warm-up as long as the first; validation runs at the end of each cycle.
        ``"decay"``: constant, then linear down to ``floor`` times the peak, for the share `decay` of the
        steps up to its end (Hägele et al. 2024, arXiv:2405.18392).
    decay, patience
        The decay of schedule ``"decay"`` begins when the validation score has stalled over the last
        `patience` times all steps (`archarena.harness.training.ending`), and in any case when the
        budget leaves just enough steps. `patience` is 0, for no early end, or at least `probe`, so
        that all learning rates are probed without a decay.
    warmup, warmup_steps
        Length of the warm-up as a fraction of all steps, or in steps if `warmup_steps` is not 0.
    warmup_power
        During the warm-up, the rate is proportional to this power of the step.
    weight_decay
        Decoupled for ``"adamw"``, part of the gradient for ``"adam"``.
    decay_all
        Whether biases, norms, embedding tables and the parameters that a model excludes decay too.
    embedding_l2
        Adds ``embedding_l2 / 2 * sum(W**2)`` over all embedding tables to the loss of each step,
        including rows that are not in the batch, as FuxiCTR does.
    clip
        Maximum gradient norm; 0 disables clipping.
    keep_last
        Whether an epoch ends with the rows that do not fill a batch, as in FuxiCTR; otherwise they are left out.
    separate_batch
        If not 0, every second step is an update on this many rows of those that the task marks with the group
        ``separate``, and the other steps use the other rows. Otherwise batches mix all rows.
    evaluations
        Number of validation runs; one per epoch if the training length is given in epochs. The common recipe has
        fewer where they would cost too much (`thrifty`).
    stop_after
        Stops an attempt after this many consecutive stalled evaluations; 0 disables stopping.
    metric
        Validation metric; by default the metric of the task's first evaluation.
    """

    name: Literal["common", "published", "trade-off"]
    learning_rates: tuple[float, ...]
    probe: float = 0.2
    optimizer: Literal["adamw", "adam"] = "adamw"
    betas: tuple[float, float] = (0.9, 0.999)
    eps: float = 1e-8
    weight_decay: float = 0.0
    decay_all: bool = False
    embedding_l2: float = 0.0
    schedule: Literal["cosine", "linear", "constant", "plateau", "cyclic", "decay"] = "cosine"
    decay: float = 0.2
    patience: float = 0.0
    warmup: float = 0.0
    warmup_steps: int = 0
    warmup_power: float = 1.0
    floor: float = 0.0
    plateau_factor: float = 0.1
    plateau_patience: int = 1
    min_rate: float = 1e-6
    clip: float = 0.0
    keep_last: bool = False
    separate_batch: int = 0
    evaluations: int = 10
    stop_after: int = 0
    metric: str | None = None

    def probe_steps(self, steps: int) -> int:
        """Return how many of `steps` optimizer steps every learning rate is trained for."""
        return max(1, round(self.probe * steps)) if len(self.learning_rates) > 1 else steps

    def batches(self, rows: int, batch: int) -> int:
        """Return the number of batches per epoch, at least one."""
        return max(1, -(-rows // batch) if self.keep_last else rows // batch)

    def rate(self, peak: float, step: int, steps: int, decay_from: int | None = None) -> float:
        """Return the scheduled learning rate of a step, not including plateau reductions.

        `decay_from` is the step at which the decay of schedule ``"decay"`` began.
        """
        if self.schedule == "cyclic":
            return peak * self._cyclic_share(step, steps)
        warm = self.warm_steps(steps)
        if step < warm:
            return peak * ((step + 1) / warm) ** self.warmup_power
        turn = (step - warm) / max(1, steps - warm)
        match self.schedule:
            case "decay":
                share = 1.0 if decay_from is None else self._decay_share(step, steps, decay_from)
            case "cosine":
                share = 0.5 * (1 + math.cos(math.pi * turn))
            case "linear":
                share = 1 - turn
            case _:
                share = 1.0
        return peak * (self.floor + (1 - self.floor) * share)

    def warm_steps(self, steps: int) -> int:
        """Return the number of steps of the warm-up."""
        return self.warmup_steps or max(1, round(self.warmup * steps))

    def latest_decay(self, steps: int) -> int:
        """Return the last step at which a decay can begin and still end within `steps`."""
        return steps - max(1, round(self.decay * steps))

    def decay_end(self, decay_from: int, steps: int) -> int:
        """Return the number of steps after which a decay that began at step `decay_from` has ended."""
        return min(steps, decay_from + max(1, math.ceil(decay_from * self.decay / (1 - self.decay))))

    def _decay_share(self, step: int, steps: int, decay_from: int) -> float:
        return 1 - (step - decay_from) / (self.decay_end(decay_from, steps) - decay_from)

    def _cyclic_share(self, step: int, steps: int) -> float:
        first = _first_cycle(steps)
        if step < first:
            return (step + 1) / first
        cycle = min((step // first).bit_length(), CYCLES) - 1
        begins, ends = first * 2**cycle, self.cycle_ends(steps)[cycle]
        return 0.5 * (1 + math.cos(math.pi * (step - begins) / (ends - begins)))

    def cycle_ends(self, steps: int) -> list[int]:
        """Return the step at which each cycle of a cyclic schedule ends; the last one is `steps`."""
        return [*(_first_cycle(steps) * 2**cycle for cycle in range(1, CYCLES)), steps]

    def thrifty(self, trained: int, valid: int) -> Recipe:
        """Return the recipe with fewer validation runs if those of the common recipe would cost too much.

        Parameters
        ----------
        trained
            Number of rows in all optimizer steps.
        valid
            Number of validation rows.
        """
        if self.name != "common":
            return self
        affordable = max(FEWEST_EVALUATIONS, int(VALIDATED_ROWS * trained / max(1, valid)))
        return replace(self, evaluations=min(self.evaluations, affordable))

    def evaluates_after(self, step: int, steps: int, decay_from: int | None = None) -> bool:
        """Return whether validation runs after `step` steps; see `rate` for `decay_from`."""
        if self.schedule == "cyclic":
            return step in self.cycle_ends(steps) or step == self.probe_steps(steps)
        every = max(1, steps // self.evaluations)
        end = steps if decay_from is None else self.decay_end(decay_from, steps)
        return step % every == 0 or step in (end, steps, self.probe_steps(steps))


def _first_cycle(steps: int) -> int:
    return max(1, steps // 2**CYCLES)


def trade_off(recipe: Recipe) -> Recipe:
    """Return a recipe with a cyclic schedule; its rates are probed up to the end of the third-to-last cycle."""
    return replace(recipe, name="trade-off", schedule="cyclic", patience=0.0, probe=0.5 ** (CYCLES - 2))


@dataclass(frozen=True)
class Training:
    """How a cell is trained: recipe, length and model size.

    Attributes
    ----------
    steps, epochs
        Length of an attempt: optimizer steps or passes over the training rows. Exactly one is set.
    batch
        Rows per step.
    size
        None if the width is fitted to the tier's body size.
    hyperparameters
        Hyperparameters set by the recipe, in addition to those of the variant.
    """

    recipe: Recipe
    batch: int
    steps: int | None = None
    epochs: int | None = None
    size: Size | None = None
    hyperparameters: tuple[tuple[str, Any], ...] = ()

    def over(self, rows: int) -> tuple[Recipe, int]:
        """Return the recipe and the number of optimizer steps for the given number of training rows."""
        if self.epochs is None:
            return self.recipe, self.steps or 0
        return replace(self.recipe, evaluations=self.epochs), self.epochs * self.recipe.batches(rows, self.batch)
