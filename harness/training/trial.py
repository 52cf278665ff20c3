"""Run trials in the child process: find the width, tune, train, predict and measure the cost."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.numpy import save_file as save_arrays
from safetensors.torch import save_file as save_weights

from ...kernels.paths import paths_taken
from ..assembly.build import build, construct
from ..assembly.module import Built
from ..assembly.outline import outline
from ..assembly.sizing import Fit, count_body, fit_width
from ..contract.model import Model
from ..contract.spec import Size, TaskSpec, spec_from_json
from ..contract.task import Budget, Split
from ..data.arrays import load_array, load_arrays, load_split
from ..data.prepare import BASE_SEED, check_prepared, read_meta
from ..data.seeds import seed
from ..errors import UserError
from ..files import read_regular, write_atomically
from ..planning.job import PREDICTIONS, PROGRESS, WEIGHTS, EnsembleJob, Readout, TrainJob
from ..planning.recipe import TRADE_OFF_NOISE
from ..planning.tier import Tier, get_tier
from ..records.meta import TrialProgress
from ..records.record import Cost, Multiplicity, Outcome, SizeInfo, TradeOff
from . import cost as measure
from .active_time import active_time
from .attempt import Attempt, TrialSetting
from .generate import decode, generate_text
from .perturb import explore
from .phases import phase
from .predict import log_likelihoods, predict
from .rows import Rows
from .tune import Tuning, tune

Attended = Callable[[Callable[[], Any]], Any]
"""Calls a function and returns what it returns, or the `Outcome` that stands for its exception."""


@phase("set up")
def run_trial(job: TrainJob, folder: Path) -> Outcome:
    """Run a trial and return its outcome; write predictions and weights to `folder`."""
    trial = _begin(job, folder)
    if isinstance(trial, Outcome):
        return trial
    if trial.fits_itself:
        trial.tuning.fit()
    else:
        tune([trial.tuning])
    return trial.finish()


def run_trials(job: EnsembleJob, attended: Attended) -> list[Outcome]:
    """Run the trials of an ensemble and return the outcome of each; `attended` turns exceptions into outcomes.

    Raises
    ------
    UserError
        If the trials cannot train together, because their lengths differ or the model trains itself.
    """
    places = zip(job.trials, job.folders, strict=True)
    begun = [attended(partial(_begin, each, folder, len(job.trials))) for each, folder in places]
    trials = [trial for trial in begun if isinstance(trial, _Trial)]
    if any(trial.fits_itself for trial in trials) or len({trial.setting.budget for trial in trials}) > 1:
        raise UserError("These trials cannot train together.")
    if trials:
        tune([trial.tuning for trial in trials])
    return [attended(each.finish) if isinstance(each, _Trial) else each for each in begun]


@dataclass(frozen=True)
class _Trial:
    """A trial that has begun, and may be one of several `members` of an ensemble."""

    job: TrainJob
    folder: Path
    members: int
    fit: Fit
    size: Size
    setting: TrialSetting
    report: _Reporter
    tuning: Tuning
    fits_itself: bool

    def finish(self) -> Outcome:
        """Predict with the trained model, and return the outcome."""
        attempt, job, setting = self.tuning.attempt, self.job, self.setting
        if attempt is None:
            return Outcome(
                status="diverged",
                reason="Every learning rate diverged: the loss became NaN or infinite.",
                attempts=self.tuning.attempts,
            )
        model = attempt.restore_best()
        _predict(model, job, setting.spec, setting, self.folder)
        # The parent counts them, and keeps them if requested.
        weights = {name: tensor.cpu().contiguous().clone() for name, tensor in model.state_dict().items()}
        save_weights(weights, self.folder / WEIGHTS)
        cost = _cost(attempt, setting, self.report.seconds)
        return Outcome(
            status="ok",
            learning_rate=attempt.rate,
            attempts=self.tuning.attempts,
            size=_size(model, self.fit, self.size),
            lift=model.lift,
            kernels={operation: "+".join(paths) for operation, paths in paths_taken().items()},
            cost=measure.share(cost, self.members),
            outline=outline(model, setting.train.batch(slice(0, 1))[0]),
            trade_off=_trade_off(attempt, setting),
            multiplicity=_multiplicity(model, job, setting) if job.multiplicity else None,
        )


def _begin(job: TrainJob, folder: Path, members: int = 1) -> _Trial | Outcome:
    """Return the trial, or its outcome if there is nothing to train."""
    check_prepared(job.arrays, without="answers")
    cls, tier = job.model.load(), get_tier(job.tier)
    if not issubclass(cls, Model):
        return _generate(cls, job, folder)
    spec = spec_from_json(read_meta(job.arrays).spec)
    reason = cls.supports(spec)
    if reason:
        return Outcome(status="skipped", reason=reason)
    report = _Reporter(folder / PROGRESS, members)
    fit, size = _fit_size(cls, spec, job, tier)
    if fit.refusal:
        return Outcome(status="skipped", reason=fit.refusal)
    hyperparameters = {**job.hyperparameters, **fit.slack}
    setting = _setting(job, tier, spec, report)
    return _Trial(
        job=job,
        folder=folder,
        members=members,
        fit=fit,
        size=size,
        setting=setting,
        report=report,
        tuning=Tuning(setting, _factory(cls, spec, size, hyperparameters, job), folder),
        fits_itself=_fits_itself(cls, spec, size, hyperparameters),
    )


def _trade_off(attempt: Attempt, setting: TrialSetting) -> TradeOff | None:
    """Return the validation scores at the end of each cycle of a cyclic schedule."""
    recipe, metric = setting.recipe, attempt.metric
    if recipe.schedule != "cyclic":
        return None
    ends = recipe.cycle_ends(setting.budget.steps)
    points = [point for point in attempt.state.curve if point.step in ends]
    return TradeOff(
        metric=metric.name, points=points, noise_floor=TRADE_OFF_NOISE if metric.unit == "fraction" else None
    )


def _multiplicity(model: Built, job: TrainJob, setting: TrialSetting) -> Multiplicity:
    stream = seed(BASE_SEED, "near-equals", job.task, job.seed)
    return explore(model, setting.valid, setting.spec, 4 * setting.budget.batch, stream)


def _generate(cls: type, job: TrainJob, folder: Path) -> Outcome:
    """Run the generate evaluations with a model that only writes text."""
    asked = [readout for readout in job.readouts if readout.readout == "generate"]
    if not asked:
        return Outcome(status="skipped", reason="The model only writes text, and no evaluation of this task uses text.")
    started = active_time()
    generator = construct(cls, job.hyperparameters, device=job.device)
    found = {}
    for readout in asked:
        assert readout.decoding is not None
        prompts = load_array(job.arrays / readout.split / "inputs" / "text.npy").tolist()
        found[readout.name] = generate_text(generator, prompts, readout.decoding, seed=_decode_seed(job))
    save_arrays(found, folder / PREDICTIONS)
    cost = Cost(total_seconds=active_time() - started)
    return Outcome(status="ok", cost=cost.model_copy(update=measure.peak_memory(torch.device(job.device))))


def _decode_seed(job: TrainJob) -> int:
    return seed(BASE_SEED, "decode", job.task, job.seed)


def _fit_size(cls: type[Model], spec: TaskSpec, job: TrainJob, tier: Tier) -> tuple[Fit, Size]:
    """Return the size of the published recipe, or the one that matches the tier's body size."""
    size = job.training.size
    if size is not None:
        body = count_body(cls, spec, size, job.hyperparameters)
        return Fit(size.width, body=body, target=body), size
    fit = fit_width(cls, spec, job.depth, tier.body_parameters, job.hyperparameters)
    return fit, Size(fit.width, job.depth)


def _fits_itself(cls: type[Model], spec: TaskSpec, size: Size, hyperparameters: dict[str, Any]) -> bool:
    """Return whether the model, with these hyperparameters, defines `fit` to replace the training loop."""
    with torch.device("meta"):
        return build(cls, spec, size, **hyperparameters).fits_itself


def _factory(
    cls: type[Model], spec: TaskSpec, size: Size, hyperparameters: dict[str, Any], job: TrainJob
) -> Callable[[], Built]:
    """Return a function that builds the model with initial weights from the cell's seed."""

    def make_model() -> Built:
        torch.manual_seed(seed(BASE_SEED, "model", job.task, job.seed))
        return build(cls, spec, size, **hyperparameters).to(job.device)

    return make_model


def _setting(job: TrainJob, tier: Tier, spec: TaskSpec, report: _Reporter) -> TrialSetting:
    device = torch.device(job.device)
    on_gpu = device.type == "cuda"
    train, valid = load_split(job.arrays / "train"), load_split(job.arrays / "valid")
    recipe, steps = job.training.over(len(train))
    recipe = recipe.thrifty(steps * job.training.batch, len(valid))
    report.steps = recipe.probe_steps(steps) * (len(recipe.learning_rates) - 1) + steps
    return TrialSetting(
        spec=spec,
        recipe=recipe,
        budget=Budget(steps, job.training.batch),
        metric=job.metric,
        train=Rows(train.inputs, train.targets, device),
        valid=Rows(valid.inputs, valid.targets, device),
        order_seed=seed(BASE_SEED, "order", job.task, job.seed),
        autocast=on_gpu and tier.precision == "bf16",
        compile=on_gpu and tier.compile,
        report=report,
        separate=_separate(train, job) if recipe.separate_batch else None,
    )


def _separate(train: Split, job: TrainJob) -> np.ndarray:
    marked = train.groups.get("separate")
    if marked is None or not 0 < marked.sum() < len(train):
        raise UserError(
            f"The recipe has separate updates (separate_batch), but task '{job.task}' marks no training rows for them."
        )
    return np.array(marked, bool)  # not the map of the file, which torch cannot share


class _Reporter:
    """Reports the progress of the trial to the parent, at most twice per second.

    A resumed trial continues from the progress that the interrupted one reported. A trial that is one of several
    `members` of an ensemble counts its share of the time.

    Attributes
    ----------
    steps
        Optimizer steps of the whole trial, including those of discarded learning rates.
    """

    steps = 1

    def __init__(self, file: Path, members: int):
        self.file, self.members, self.began = file, members, active_time()
        self.done, self.written = 0, -math.inf
        self.before = _read_progress(file)

    @property
    def seconds(self) -> float:
        """Return how long the trial has run, including before it was interrupted."""
        return self.before.seconds + (active_time() - self.began) / self.members

    def __call__(self, step: int) -> None:
        self.done += 1
        now = self.seconds
        if now - self.written > 0.5:
            fraction = min(1.0, self.before.fraction + self.done / self.steps)
            content = TrialProgress(fraction=fraction, seconds=now).model_dump_json()
            write_atomically(self.file, content.encode(), durable=False)
            self.written = now


def _read_progress(file: Path) -> TrialProgress:
    """Return the progress of the interrupted trial, or none if the file is absent or damaged."""
    try:
        return TrialProgress.model_validate_json(read_regular(file, 10_000))
    except (UserError, ValueError):
        return TrialProgress()


@phase("predict")
def _predict(model: Built, job: TrainJob, spec: TaskSpec, setting: TrialSetting, folder: Path) -> None:
    """Write the predictions of all readouts to one file, by name."""
    found = {readout.name: _predict_split(model, job, spec, setting, readout) for readout in job.readouts}
    save_arrays({name: np.ascontiguousarray(array) for name, array in found.items()}, folder / PREDICTIONS)


def _predict_split(model: Built, job: TrainJob, spec: TaskSpec, setting: TrialSetting, readout: Readout) -> np.ndarray:
    folder = job.arrays / readout.split
    inputs, size = load_arrays(folder / "inputs"), 4 * job.training.batch
    inputs.pop("text", None)
    device = setting.train.device
    if readout.readout == "generate":
        assert readout.decoding is not None
        prompts, lengths = inputs["tokens"], inputs["lengths"]
        return decode(model, prompts, lengths, readout.decoding, seed=_decode_seed(job), batch=size)
    if readout.readout == "likelihood":
        return log_likelihoods(model, Rows(inputs, None, device), size)
    scored = folder / "scored.npy"
    if scored.is_file():
        inputs["scored"] = load_array(scored)
    targets = folder / "targets.npy"
    rows = Rows(inputs, load_array(targets) if targets.is_file() else None, device)
    return predict(model, rows, spec, size)[0]


def _size(model: Built, fit: Fit, size: Size) -> SizeInfo:
    return SizeInfo(
        width=size.width,
        depth=size.depth,
        slack=fit.slack,
        target_parameters=fit.target,
        body_parameters=fit.body,
        total_parameters=sum(parameter.numel() for parameter in model.parameters()),
        deviation=fit.deviation,
        fixed=fit.fixed,
    )


@phase("measure")
def _cost(attempt: Attempt, setting: TrialSetting, total_seconds: float) -> Cost:
    model, rows, state = attempt.model, setting.train, attempt.state
    cost = Cost(
        train_seconds=state.seconds,
        total_seconds=total_seconds,
        step_ms=attempt.clock.quantiles_ms(),
        inference_ms=measure.inference_ms(model, rows, setting.budget.batch),
        forward_flops=measure.forward_flops(model, rows),
        state_bytes=measure.state_bytes(model),
        energy_joules=state.joules,
    ).model_copy(update=measure.peak_memory(rows.device))
    measure.throughput(cost, state.samples, measure.tokens_per_row(rows))
    return cost
