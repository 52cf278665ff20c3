"""Choosing the learning rate: every rate gets a share of the schedule, the best one the rest."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from torch import nn

from ..records.record import Try
from .attempt import Attempt, Setting


def tune(setting: Setting, make_model: Callable[[], nn.Module], folder: Path) -> tuple[Attempt | None, list[Try]]:
    """Try every learning rate for the probe's steps and take the best to the end.

    A model that fits itself is tried once, at learning rate 0.

    Returns
    -------
    Attempt or None
        The one that went to the end, or None where every rate diverged.
    list of Try
        All rates, in the recipe's order.
    """
    recipe, steps = setting.recipe, setting.budget.steps
    if setting.fits_itself:
        attempt = Attempt(setting, 0.0, make_model, folder / "fit.safetensors")
        attempt.fit()
        return (None if attempt.progress.diverged else attempt), [attempt.summary()]
    probe = recipe.probe_steps(steps)
    files = {rate: folder / f"try-{index}.safetensors" for index, rate in enumerate(recipe.learning_rates)}
    tries: dict[float, Try] = {}
    losses: dict[float, float] = {}
    attempt = None
    for rate, file in files.items():
        attempt = Attempt(setting, rate, make_model, file)
        attempt.run(min(probe, steps))
        tries[rate], losses[rate] = attempt.summary(), attempt.progress.loss
    for rate in sorted(files, key=losses.__getitem__):
        if tries[rate].diverged:
            continue
        if attempt is None or attempt.rate != rate:
            attempt = Attempt(setting, rate, make_model, files[rate])
        attempt.run(steps)
        tries[rate] = attempt.summary()
        if not attempt.progress.diverged:
            return attempt, list(tries.values())
    return None, list(tries.values())
