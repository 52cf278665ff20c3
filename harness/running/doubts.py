"""What a trial reports about itself, compared with what its parent sees."""

from __future__ import annotations

import math
import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from ..planning.recipe import Training
from ..records.record import AttemptInfo, Outcome, SizeInfo
from ..text import shortened
from .stored_arrays import StoredArray, distinct_numbers, read_header

START_SECONDS = 10.0
"""Longest time in which a trial starts; it is not part of the time that the trial reports."""

SHORTEST_STEP = 1e-5
"""Seconds that an optimizer step takes at least, also for one of several models that train together."""

_CLOCK_SECONDS = 1.0

_BUFFERS = 0.05
"""Numbers that a module may hold besides its parameters, such as running means, as a share of the tier's body size."""


@dataclass(frozen=True)
class Seen:
    """What the parent saw of a trial.

    Attributes
    ----------
    seconds
        How long its process ran, by the parent's clock; None if it was not the trial's alone.
    resumed
        Whether an earlier process of the trial had reported progress, so that the reported time may be longer.
    left
        Number of processes that it left running.
    """

    seconds: float | None = None
    resumed: bool = False
    left: int = 0


def doubts(
    outcome: Outcome, seen: Seen, weights: Path, training: Training, rows: int, *, writes_text: bool
) -> list[str]:
    """Return one sentence per report that what the parent saw does not confirm.

    Parameters
    ----------
    weights
        The file with the weights that the trial used for its predictions.
    rows
        Number of training rows.
    writes_text
        Whether it only wrote text, as a model without training does.

    Raises
    ------
    UserError
        If there is a weights file that cannot be read.
    """
    found = [*_of_clock(outcome, seen), *_of_attempts(outcome, training, rows)]
    arrays = read_header(weights, math.inf) if os.path.lexists(weights) else None
    if outcome.size is not None and arrays is not None:
        found += _of_size(outcome.size, weights, arrays)
    elif not writes_text:
        found.append("It reported no size or left no weights, so its parameters were not counted.")
    if seen.left:
        found.append(f"It left {seen.left} process{'es' if seen.left > 1 else ''} running, which the parent ended.")
    return found


def _of_clock(outcome: Outcome, seen: Seen) -> Iterator[str]:
    total, train, ran = outcome.cost.total_seconds, outcome.cost.train_seconds, seen.seconds
    if total is None:
        return
    if ran is not None and total < (ran - START_SECONDS) / 2:
        yield f"It reported {total:.3g} s in total, but its process ran for {ran:.3g} s."
    if ran is not None and total > ran + _CLOCK_SECONDS and not seen.resumed:
        yield f"It reported {total:.3g} s in total, but its process ran for only {ran:.3g} s."
    if train is not None and train > total + _CLOCK_SECONDS:
        yield f"It reported {train:.3g} s of training in {total:.3g} s in total."
    steps = outcome.chosen.steps if outcome.chosen else 0
    if train is not None and outcome.learning_rate and train < steps * SHORTEST_STEP:
        yield f"It reported {train:.3g} s for {steps:,} optimizer steps, less than any step takes."


def _of_attempts(outcome: Outcome, training: Training, rows: int) -> Iterator[str]:
    recipe, steps = training.over(rows)
    known = {0.0, *recipe.learning_rates}  # 0: a model that fits itself
    if other := {attempt.learning_rate for attempt in outcome.attempts} - known:
        yield f"It reported learning rates that its recipe does not have: {_listed(other)}."
    if longer := [attempt for attempt in outcome.attempts if _steps(attempt) > steps]:
        yield f"It reported {_steps(longer[0]):,} optimizer steps, but its budget has {steps:,}."


def _steps(attempt: AttemptInfo) -> int:
    return max([attempt.steps, *(point.step for point in attempt.curve)])


def _listed(rates: Iterable[float]) -> str:
    return shortened(", ".join(f"{rate:g}" for rate in sorted(rates)), 100)


def _of_size(size: SizeInfo, weights: Path, arrays: Mapping[str, StoredArray]) -> Iterator[str]:
    """Yield what the numbers in the weights file say about the reported size."""
    spare = _BUFFERS * size.target_parameters
    if (held := _held(weights, arrays.values(), size.total_parameters + spare)) is not None:
        yield f"Its weights hold {held:,} numbers, but it reported {size.total_parameters:,} parameters."
    # The harness adds the head of a sequence model, so all of its core is body.
    core = [array for name, array in arrays.items() if name.startswith("core.")]
    is_sequence_model = any(name.startswith("head.") for name in arrays)
    if is_sequence_model and (held := _held(weights, core, size.body_parameters + spare)) is not None:
        yield f"Its body holds {held:,} numbers, but it reported {size.body_parameters:,} parameters of the body."


def _held(weights: Path, arrays: Iterable[StoredArray], most: float) -> int | None:
    """Return how many numbers arrays hold if there are more than `most`, else None; tied weights count once."""
    arrays = list(arrays)
    if sum(array.numbers for array in arrays) <= most:
        return None
    held = distinct_numbers(weights, arrays)
    return held if held > most else None
