"""Score predictions in the parent process, against answers the child does not receive."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import load, save

from ..contract.evaluation import Evaluation
from ..contract.metrics import Metric
from ..contract.scan import describe
from ..data.arrays import load_array, load_split
from ..errors import UserError
from ..files import read_regular
from ..planning.cell import PlannedTask
from ..planning.job import ClassLocation, Readout
from ..planning.tier import get_tier
from ..processes.in_child import call_in_child
from ..records.record import LARGEST_NUMBER, Artifact, Score

VALIDATION = "validation"
"""Name of the predictions for the validation rows."""

KEPT_ROWS = 10_000
"""Maximum number of rows per prediction array kept with a record, taken from the start."""

ARTIFACT_BYTES = 2**32
"""Maximum size of the predictions, and of the weights, that are read from a trial."""

_SCORE_SECONDS = 600.0
"""Time limit of a plugin's metrics."""


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

    Metrics that a plugin defines run in a child process, which has a time limit.

    Raises
    ------
    NotFiniteError
        If predictions contain NaN, or infinities that leave a score without a finite value.
    UserError
        If the predictions are missing, cannot be read, or do not match the answers.
    """
    if task.entry.is_plugin and any(isinstance(e.metric, Metric) for e in task.task.evaluations):
        return _score_in_child(task, arrays, predictions)
    return _score_here(task, arrays, predictions)


def _score_in_child(task: PlannedTask, arrays: Path, predictions: Path) -> dict[str, Score]:
    what = f"The code of task '{task.name}' that scores predictions"
    location = ClassLocation.of(task.entry).model_dump(mode="json")
    arguments = (location, task.tier.name, str(arrays), str(predictions))
    answer = call_in_child(what, _score_plugin, *arguments, seconds=_SCORE_SECONDS)
    if "not_finite" in answer:
        raise NotFiniteError(answer["not_finite"])
    return {column: Score.model_validate(found) for column, found in answer["scores"].items()}


def _score_plugin(location: dict[str, Any], tier: str, arrays: str, predictions: str) -> dict[str, Any]:
    task = PlannedTask.of(ClassLocation.model_validate(location).entry, get_tier(tier))
    try:
        scores = _score_here(task, Path(arrays), Path(predictions))
    except NotFiniteError as error:
        return {"not_finite": str(error)}
    return {"scores": {column: found.model_dump(mode="json") for column, found in scores.items()}}


def _score_here(task: PlannedTask, arrays: Path, predictions: Path) -> dict[str, Score]:
    found = load_predictions(predictions)
    scores = {
        task.column(evaluation.name): _score(evaluation, found, arrays)
        for evaluation in task.task.evaluations
        if evaluation.predictions in found and (VALIDATION in found or not evaluation.scorer.calibrate)
    }
    if not scores:
        raise UserError(f"{predictions.name} contains no predictions for this task.")
    return scores


def load_predictions(file: Path) -> dict[str, np.ndarray]:
    """Return the arrays that a trial predicted; raise `UserError` if one is missing, unreadable or a single number."""
    content = read_regular(file, ARTIFACT_BYTES)
    try:
        found = load(content)
    except Exception as error:  # safetensors raises several types, also KeyError for types that NumPy does not have
        raise UserError(f"{file.name} cannot be read: {describe(error)}.") from error
    if single := next((name for name, array in found.items() if not array.ndim), None):
        raise UserError(f"The predictions '{single}' are a single number, not an array with one entry per row.")
    return found


class NotFiniteError(UserError):
    """Predictions contain NaN, or infinities that leave the score without a finite value."""


def _score(evaluation: Evaluation, found: dict[str, np.ndarray], arrays: Path) -> Score:
    metric, answers = evaluation.scorer, load_split(arrays / "answers" / evaluation.test)
    predicted, targets = found[evaluation.predictions], np.asarray(answers.targets)
    wrong_shape = (
        f"The predictions on '{evaluation.test}' have the wrong shape {predicted.shape} for metric '{metric.name}' and "
        f"targets of shape {targets.shape}. {metric.summary}"
    )
    if len(predicted) == 1 < len(targets):  # NumPy would compare it with every row
        raise UserError(wrong_shape)
    _refuse(np.isnan, predicted, f"test set '{evaluation.test}'", len(targets))
    try:
        if metric.calibrate:
            labels = load_array(arrays / "valid" / "targets.npy")
            _refuse(np.isnan, found[VALIDATION], "the validation set", len(labels))
            predicted = metric.calibrate(found[VALIDATION], labels)(predicted)
        value, standard_error = metric.measure(predicted, targets)
        slices = {name: metric.by_group(predicted, targets, answers.groups[name]) for name in evaluation.slices}
        slices |= metric.detail(predicted, targets) if metric.detail else {}
    except UserError:
        raise
    except (ValueError, IndexError) as error:
        _refuse(np.isinf, predicted, f"test set '{evaluation.test}'", len(targets))
        raise UserError(wrong_shape) from error
    except (Exception, SystemExit) as error:
        raise UserError(f"The predictions on '{evaluation.test}' cannot be scored: {describe(error)}.") from error
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
    return float(value) if abs(value) <= LARGEST_NUMBER else None


def keep_predictions(predictions: Path, store: Path, key: str) -> Artifact:
    """Copy the first rows of each prediction array into the store."""
    kept = {name: np.ascontiguousarray(array[:KEPT_ROWS]) for name, array in load_predictions(predictions).items()}
    return Artifact.write(store, "predictions", key, save(kept), {name: len(array) for name, array in kept.items()})
