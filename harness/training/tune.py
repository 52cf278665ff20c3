"""Learning rate selection: train every rate for the probe steps, then continue with the best one."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from ..assembly.module import Built
from ..records.record import AttemptInfo
from .attempt import Attempt, TrialSetting
from .phases import phase


@phase("train")
def tune(
    setting: TrialSetting, make_model: Callable[[], Built], folder: Path, *, fits_itself: bool = False
) -> tuple[Attempt | None, list[AttemptInfo]]:
    """Train every learning rate for the probe steps, and the best one for all steps.

    A model that defines `fit` (`fits_itself`) gets one attempt, with learning rate 0.

    Returns
    -------
    Attempt or None
        The attempt that finished, or None if every rate diverged.
    list of AttemptInfo
        The attempts of all rates, in the order of the recipe.
    """
    recipe, steps = setting.recipe, setting.budget.steps
    if fits_itself:
        attempt = Attempt(setting, 0.0, make_model, folder / "fit.safetensors")
        attempt.fit()
        return (None if attempt.state.diverged else attempt), [attempt.summary()]
    probe = recipe.probe_steps(steps)
    files = {rate: folder / f"attempt-{index}.safetensors" for index, rate in enumerate(recipe.learning_rates)}
    attempts: dict[float, AttemptInfo] = {}
    losses: dict[float, float] = {}
    attempt = None
    for rate, file in files.items():
        attempt = Attempt(setting, rate, make_model, file)
        attempt.run(min(probe, steps))
        attempts[rate], losses[rate] = attempt.summary(), attempt.state.probe_loss
    for rate in sorted(files, key=losses.__getitem__):
        if attempts[rate].diverged:
            continue
        if attempt is None or attempt.rate != rate:
            attempt = Attempt(setting, rate, make_model, files[rate])
        attempt.run(steps)
        attempts[rate] = attempt.summary()
        if not attempt.state.diverged:
            return attempt, list(attempts.values())
    return None, list(attempts.values())
