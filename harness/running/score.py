"""Score predictions in the parent process, against answers the child does not receive."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
from safetensors.numpy import load_file, save

from ..contract.evaluation import Evaluation
from ..data.arrays import load_array, load_split
from ..errors import UserError
from ..planning.cell import PlannedTask
from ..planning.job import Readout
from ..records.record import Artifact, Score

VALIDATION = "validation"
"""Name of the predictions for the validation rows."""

KEPT_ROWS = 10_000
"""Maximum number of rows per prediction array kept with a record, taken from the start."""


def readouts(task: PlannedTask) -> list[Readout]:
    """Return the distinct readouts a trial needs: the test sets, and the validation rows if a metric calibrates."""
    found = {
        e.predictions: Readout(name=e.predictions, split=f"tests/{e.test}", readout=e.readout, decoding=e.decoding)
        for e in task.task.evaluations
    }
    if any(e.scorer.calibrate for e in task.task.evaluations):
        found[VALIDATION] = Readout(name=VALIDATION, split="valid", readout="outputs")
    return list(found.values())


def score(task: PlannedTask, arrays: Path, predictions: Path) -> dict[str, Score]:
    """Return the score of every column with predictions: all columns, unless the model only writes text.

    Raises
    ------
    NotFiniteError
        If predictions contain NaN, or infinities that leave a score without a finite value.
    UserError
        If the shape of the predictions does not match the answers.
    """
    found = load_file(predictions)
    return {
        task.column(evaluation.name): _score(evaluation, found, arrays)
        for evaluation in task.task.evaluations
        if evaluation.predictions in found and (VALIDATION in found or not evaluation.scorer.calibrate)
    }


class NotFiniteError(UserError):
    """Predictions contain NaN, or infinities that leave the score without a finite value."""


def _score(evaluation: Evaluation, found: dict[str, np.ndarray], arrays: Path) -> Score:
    metric, answers = evaluation.scorer, load_split(arrays / "answers" / evaluation.test)
    predicted, targets = found[evaluation.predictions], np.asarray(answers.targets)
    _refuse(np.isnan, predicted, f"test set '{evaluation.test}'", len(targets))
    try:
        if metric.calibrate:
            labels = load_array(arrays / "valid" / "targets.npy")
            _refuse(np.isnan, found[VALIDATION], "the validation set", len(labels))
            predicted = metric.calibrate(found[VALIDATION], labels)(predicted)
        value, standard_error = metric.measure(predicted, targets)
        slices = {name: metric.by_group(predicted, targets, answers.groups[name]) for name in evaluation.slices}
        slices |= metric.detail(predicted, targets) if metric.detail else {}
    except (ValueError, IndexError) as error:
        _refuse(np.isinf, predicted, f"test set '{evaluation.test}'", len(targets))
        raise UserError(f"The predictions on '{evaluation.test}' have the wrong shape {predicted.shape}.") from error
    if not math.isfinite(value):
        _refuse(np.isinf, predicted, f"test set '{evaluation.test}'", len(targets))
    return Score(
        metric=metric.name,
        direction=metric.direction,
        value=_number(value),
        standard_error=_number(standard_error),
        rows=len(targets),
        slices={name: {str(key): _number(v) for key, v in groups.items()} for name, groups in slices.items()},
    )


def _refuse(flaw: Callable[[np.ndarray], np.ndarray], predicted: np.ndarray, where: str, rows: int) -> None:
    """Raise `NotFiniteError` with the number of flawed predictions, if there are any."""
    if not np.issubdtype(predicted.dtype, np.floating) or not (flawed := flaw(predicted)).any():
        return
    count = int(flawed.reshape(len(predicted), -1).any(1).sum())
    unit = "rows" if len(predicted) == rows else "predictions"
    name = "NaN" if flaw is np.isnan else "infinity"
    raise NotFiniteError(f"{count:,} of {len(predicted):,} {unit} on {where} contain {name}.")


def _number(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None


def keep_predictions(predictions: Path, store: Path, key: str) -> Artifact:
    """Copy the first rows of each prediction array into the store."""
    kept = {name: np.ascontiguousarray(array[:KEPT_ROWS]) for name, array in load_file(predictions).items()}
    return Artifact.write(store, "predictions", key, save(kept), {name: len(array) for name, array in kept.items()})
