"""Learning rate selection: train every rate for the probe steps, then continue with the best one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from ..assembly.module import Built
from ..records.record import AttemptInfo
from .attempt import Attempt, TrialSetting
from .ensemble import run_together
from .phases import phase


class Tuning:
    """The attempts of one trial.

    Attributes
    ----------
    attempt
        The attempt that is trained, and after `tune` the one that finished, or None if every rate diverged.
    attempts
        The attempts of all rates, in the order of the recipe.
    """

    def __init__(self, setting: TrialSetting, make_model: Callable[[], Built], folder: Path):
        self.setting, self.make_model, self.folder = setting, make_model, folder
        self.attempt: Attempt | None = None
        self._rates = setting.recipe.learning_rates
        self._summaries: dict[float, AttemptInfo] = {}
        self._losses: dict[float, float] = {}

    @property
    def attempts(self) -> list[AttemptInfo]:
        return list(self._summaries.values())

    @phase("train")
    def fit(self) -> None:
        """Let a model that defines `fit` train itself: one attempt, with learning rate 0."""
        attempt = self.attempt = Attempt(self.setting, 0.0, self.make_model, self.folder / "fit.safetensors")
        attempt.fit()
        self._summaries[0.0] = attempt.summary()
        if attempt.state.diverged:
            self.attempt = None

    def open(self, rate: float) -> Attempt:
        """Return the attempt with a rate, from its checkpoint if there is one."""
        if self.attempt is None or self.attempt.rate != rate:
            file = self.folder / f"attempt-{self._rates.index(rate)}.safetensors"
            self.attempt = Attempt(self.setting, rate, self.make_model, file)
        return self.attempt

    def open_best(self) -> Attempt | None:
        """Return the attempt with the lowest loss at the end of the probe of those that have not diverged."""
        rates = [rate for rate in self._rates if not self._summaries[rate].diverged]
        if not rates:
            self.attempt = None
            return None
        return self.open(min(rates, key=self._losses.__getitem__))

    def note(self) -> None:
        """Keep the summary of the current attempt."""
        if self.attempt is not None:
            self._summaries[self.attempt.rate] = self.attempt.summary()
            self._losses[self.attempt.rate] = self.attempt.state.probe_loss


@phase("train")
def tune(trials: Sequence[Tuning]) -> None:
    """Train every learning rate for the probe steps, and the best one for all steps.

    Several trials, of equal recipe and length, train as one ensemble; each continues with its own best rate.
    """
    recipe, steps = trials[0].setting.recipe, trials[0].setting.budget.steps
    for rate in recipe.learning_rates:
        run_together([trial.open(rate) for trial in trials], recipe.probe_steps(steps))
        for trial in trials:
            trial.note()
    waiting = list(trials)
    while waiting:
        run_together([attempt for trial in waiting if (attempt := trial.open_best())], steps)
        for trial in waiting:
            trial.note()
        waiting = [trial for trial in waiting if trial.attempt and trial.attempt.state.diverged]
