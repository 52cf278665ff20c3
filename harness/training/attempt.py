"""Training with one learning rate, which can be interrupted and resumed from a checkpoint."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from ..assembly.module import Built
from ..contract.metrics import METRICS, Metric, better, sign
from ..contract.spec import TaskSpec
from ..contract.task import Budget
from ..planning.recipe import IMPROVEMENT, Recipe
from ..records.record import AttemptInfo, CurvePoint, Ending
from .checkpoint import AttemptState, load_checkpoint, random_state, save_checkpoint, set_random_state
from .cost import StepClock, energy_joules
from .ending import ending, note_decay
from .loss import at_scored_positions, training_loss
from .order import batches
from .phases import phase
from .predict import predict
from .rows import Rows


class DivergedError(Exception):
    """The loss or the metric is NaN or infinite."""


@dataclass(frozen=True)
class TrialSetting:
    """Settings shared by all attempts of a trial.

    Attributes
    ----------
    separate
        Which training rows have separate updates, or None if the recipe has none.
    """

    spec: TaskSpec
    recipe: Recipe
    budget: Budget
    metric: str
    train: Rows
    valid: Rows
    order_seed: int
    autocast: bool
    compile: bool
    report: Callable[[int], None]
    checkpoint_seconds: float = 10.0
    separate: np.ndarray | None = None


class Attempt:
    """A model, its optimizer and its state with one learning rate.

    The order of rows depends only on the seed and the epoch, and the checkpoint holds the complete
    state, so an attempt that was killed and resumed gives the same result as an uninterrupted one.
    """

    @phase("set up")
    def __init__(self, setting: TrialSetting, rate: float, make_model: Callable[[], Built], file: Path):
        self.setting, self.rate, self.file = setting, rate, file
        self.model = make_model()
        groups = self.model.param_groups(setting.recipe.weight_decay, decay_all=setting.recipe.decay_all)
        self.optimizer = make_optimizer(setting.recipe, groups, rate)
        self.tables = self.model.embedding_tables() if setting.recipe.embedding_l2 else []
        self.state = AttemptState()
        self.best_weights: dict[str, Tensor] = {}
        self.clock = StepClock(setting.train.device)
        self._saved_at = time.perf_counter()
        if found := load_checkpoint(file, self.model, self.optimizer):
            self.state, self.best_weights = found
        self.random = random_state(setting.train.device)

    @property
    def metric(self) -> Metric:
        """Return the metric computed on the validation rows."""
        return METRICS[self.setting.metric]

    @property
    def ending(self) -> Ending | None:
        """Return how training has ended, or None if it goes on."""
        return ending(self.state, self.setting.recipe, self.setting.budget.steps, self.metric)

    def run(self, until: int) -> None:
        """Train up to step `until`, evaluating on the validation rows when the recipe says so."""
        setting = self.setting
        if not self.goes_on(until):
            return
        set_random_state(self.random)
        forward = torch.compile(self.model) if setting.compile else self.model
        if setting.compile or setting.train.device.type == "cuda":
            self._warm_up(forward)
        before = energy_joules(setting.train.device)
        for rows in batches(setting, self.state.step, until):
            self.prepare_step()
            loss = self.step(forward, rows)
            self.count_step(len(rows), loss)
            if not self.goes_on(until):
                break
        after = energy_joules(setting.train.device)
        if before is not None and after is not None:
            self.state.joules = (self.state.joules or 0.0) + after - before
        self.save()
        self.random = random_state(setting.train.device)

    def goes_on(self, until: int) -> bool:
        """Return whether there is a step to train before step `until`."""
        return not (self.state.diverged or self.ending or self.state.step >= until)

    def prepare_step(self) -> None:
        """Set the learning rate of the next step."""
        note_decay(self.state, self.setting.recipe, self.setting.budget.steps, self.metric)
        self.model.train()
        self._set_rate()

    def count_step(self, samples: int, loss: Tensor) -> None:
        """Count a finished step with its training loss, and evaluate if the recipe says so."""
        setting, p = self.setting, self.state
        p.step += 1
        p.samples += samples
        setting.report(p.step)
        if setting.recipe.evaluates_after(p.step, setting.budget.steps, p.decay_from):
            try:
                self._validate(float(loss))
            except DivergedError:
                p.diverged = True

    def fit(self) -> None:
        """Call the model's `fit` once on all training rows, instead of running the training loop."""
        if self.state.step:
            return
        with self.clock:
            self.model.core.fit(self.model, self.setting.train)
        self.state.step, self.state.samples = 1, len(self.setting.train)
        try:
            self._validate(predict(self.model, self.setting.train, self.setting.spec, 4 * self.setting.budget.batch)[1])
        except DivergedError:
            self.state.diverged = True
        self.save()

    def restore_best(self) -> Built:
        """Return the model with the weights that scored best on the validation rows."""
        if self.best_weights:
            self.model.load_state_dict(self.best_weights)
        return self.model

    def summary(self) -> AttemptInfo:
        """Return the summary of this attempt for the record."""
        p = self.state
        return AttemptInfo(
            learning_rate=self.rate,
            steps=p.step,
            valid=p.best,
            diverged=p.diverged,
            ended=None if p.diverged or self.model.fits_itself else self.ending,
            decay_from=p.decay_from,
            curve=p.curve,
        )

    def step(self, forward: Callable[..., Tensor], rows: Tensor) -> Tensor:
        """Train one step on the given rows with the model or its compiled form, and return the loss."""
        recipe = self.setting.recipe
        with self.clock:
            self.optimizer.zero_grad(set_to_none=True)
            loss = self.backward(forward, *self.batch(rows))
            for table in self.tables:
                add_to_gradient(table, recipe.embedding_l2)
            if recipe.clip:
                nn.utils.clip_grad_norm_(self.model.parameters(), recipe.clip)
            self.optimizer.step()
        return loss

    def batch(self, rows: Tensor) -> tuple[Mapping[str, Tensor], Tensor]:
        """Return the inputs of the model and the targets of the loss."""
        inputs, targets = self.setting.train.batch(rows)
        assert targets is not None
        return at_scored_positions(self.setting.spec, inputs, targets)

    def backward(self, forward: Callable[..., Tensor], inputs: Mapping[str, Tensor], targets: Tensor) -> Tensor:
        """Accumulate the gradients of the loss on a batch, and return the loss."""
        setting = self.setting
        with torch.autocast(setting.train.device.type, torch.bfloat16, enabled=setting.autocast):
            outputs = forward(**inputs)
        loss, auxiliary = training_loss(self.model, outputs, targets)
        (loss if auxiliary is None else loss + auxiliary).backward()
        return loss.detach()

    def _warm_up(self, forward: Callable[..., Tensor]) -> None:
        """Run two passes and undo their effects, so that compilation by torch and Triton is not timed.

        The second batch may have a different number of scored positions, which makes torch compile again.
        """
        step, random = self.state.step, random_state(self.setting.train.device)
        weights = {name: tensor.detach().clone() for name, tensor in self.model.state_dict().items()}
        self.model.train()
        for rows in batches(self.setting, step, step + 2):
            self.backward(forward, *self.batch(rows))
        self.optimizer.zero_grad(set_to_none=True)
        self.model.load_state_dict(weights)
        set_random_state(random)

    def _set_rate(self) -> None:
        """Set the learning rate of every group from the schedule, plateau drops and the group's maximum."""
        recipe, p = self.setting.recipe, self.state
        rate = recipe.rate(self.rate, p.step, self.setting.budget.steps, p.decay_from)
        if p.scale < 1:
            rate = max(rate * p.scale, recipe.min_rate)
        for group in self.optimizer.param_groups:
            group["lr"] = min(rate, group["max_rate"])

    @phase("validate")
    def _validate(self, train_loss: float) -> None:
        p, setting = self.state, self.setting
        p.seconds += self.clock.take()
        predictions, loss = predict(self.model, setting.valid, setting.spec, 4 * setting.budget.batch)
        value = self.metric.score(predictions, setting.valid.target_array())
        if not (math.isfinite(train_loss) and math.isfinite(loss) and math.isfinite(value)):
            raise DivergedError
        p.loss = loss
        if p.step <= setting.recipe.probe_steps(setting.budget.steps):
            p.probe_loss = loss
        point = CurvePoint(step=p.step, samples=p.samples, seconds=p.seconds, train_loss=train_loss, valid=value)
        p.curve.append(point)
        self._note_plateau(value)
        if p.best is None or better(self.metric.direction, value, p.best):
            p.best = value
            self.best_weights = {name: tensor.detach().clone() for name, tensor in self.model.state_dict().items()}
        if time.perf_counter() - self._saved_at > setting.checkpoint_seconds:
            self.save()

    def _note_plateau(self, value: float) -> None:
        """Count validation passes without improvement, and lower the learning rate if the recipe says so."""
        p, recipe = self.state, self.setting.recipe
        if p.best is None or sign(self.metric.direction) * (value - p.best) > IMPROVEMENT:
            p.stalled = 0
            return
        p.stalled += 1
        if recipe.schedule == "plateau" and p.stalled % recipe.plateau_patience == 0:
            p.scale *= recipe.plateau_factor

    def save(self) -> None:
        """Write the checkpoint."""
        save_checkpoint(self.file, self.state, self.model, self.best_weights, self.optimizer, self.setting.train.device)
        self._saved_at = time.perf_counter()


def make_optimizer(recipe: Recipe, groups: list[dict[str, Any]], rate: float) -> torch.optim.Optimizer:
    kind = torch.optim.AdamW if recipe.optimizer == "adamw" else torch.optim.Adam
    return kind(groups, lr=rate, betas=recipe.betas, eps=recipe.eps, fused=True)


def add_to_gradient(table: nn.Parameter, factor: float) -> None:
    """Add ``factor * table``, the gradient of ``factor / 2 * sum(table**2)``, to a table's gradient."""
    if table.grad is None:
        table.grad = factor * table.detach()
    else:
        table.grad.add_(table.detach(), alpha=factor)
