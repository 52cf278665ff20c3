"""Score predictions in the parent process, against answers the child does not receive."""

from __future__ import annotations

import base64
import math
from collections.abc import Callable, Mapping
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
from ..records.row_scores import RowScores
from ..text import shortened
from .stored_arrays import ARTIFACT_BYTES, read_header

VALIDATION = "validation"
"""Name of the predictions for the validation rows."""

KEPT_ROWS = 10_000
"""Maximum number of rows per prediction array kept with a record, taken from the start."""

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


def score(task: PlannedTask, arrays: Path, predictions: Path) -> tuple[dict[str, Score], RowScores]:
    """Return the score of every column with predictions, and its scores per row.

    These are all columns, unless the model only writes text.

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


def _score_in_child(task: PlannedTask, arrays: Path, predictions: Path) -> tuple[dict[str, Score], RowScores]:
    what = f"The code of task '{task.name}' that scores predictions"
    location = ClassLocation.of(task.entry).model_dump(mode="json")
    arguments = (location, task.tier.name, str(arrays), str(predictions))
    answer = call_in_child(what, _score_plugin, *arguments, seconds=_SCORE_SECONDS)
    if "not_finite" in answer:
        raise NotFiniteError(answer["not_finite"])
    scores = {column: Score.model_validate(found) for column, found in answer["scores"].items()}
    return scores, RowScores.from_bytes(base64.b64decode(answer["rows"]))


def _score_plugin(location: dict[str, Any], tier: str, arrays: str, predictions: str) -> dict[str, Any]:
    task = PlannedTask.of(ClassLocation.model_validate(location).entry, get_tier(tier))
    try:
        scores, rows = _score_here(task, Path(arrays), Path(predictions))
    except NotFiniteError as error:
        return {"not_finite": str(error)}
    written = {column: found.model_dump(mode="json") for column, found in scores.items()}
    return {"scores": written, "rows": base64.b64encode(rows.to_bytes()).decode()}


def _score_here(task: PlannedTask, arrays: Path, predictions: Path) -> tuple[dict[str, Score], RowScores]:
    found = load_predictions(predictions)
    scored = {
        task.column(evaluation.name): _score(evaluation, found, arrays)
        for evaluation in task.task.evaluations
        if evaluation.predictions in found and (VALIDATION in found or not evaluation.scorer.calibrate)
    }
    if not scored:
        raise UserError(f"{predictions.name} contains no predictions for this task.")
    rows = RowScores.of({column: values for column, (_, values) in scored.items() if values is not None})
    return {column: found for column, (found, _) in scored.items()}, rows


def load_predictions(file: Path) -> dict[str, np.ndarray]:
    """Return the arrays that a trial predicted; raise `UserError` if one is missing, unreadable or a single number."""
    content = read_regular(file, ARTIFACT_BYTES)
    try:
        found = load(content)
    except KeyError as error:  # safetensors names a type that NumPy does not have
        raise UserError(
            f"{file.name} has numbers of type {error.args[0]}, which cannot be scored: predict float32 instead."
        ) from None
    except Exception as error:  # safetensors raises several types
        raise UserError(f"{file.name} cannot be read: {describe(error)}.") from error
    if single := next((name for name, array in found.items() if not array.ndim), None):
        raise UserError(f"The predictions '{single}' are a single number, not an array with one entry per row.")
    return found


def check_names(task: PlannedTask, file: Path) -> bool:
    """Raise `UserError` unless a trial predicted every readout of its task, and nothing else.

    A model that only writes text answers the readouts of kind generate only. Return whether it does.
    """
    found, asked = read_header(file).keys(), readouts(task)
    generated = {readout.name for readout in asked if readout.readout == "generate"}
    expected = generated if found <= generated else {readout.name for readout in asked}
    if lacking := sorted(expected - found):
        raise UserError(f"{file.name} lacks the predictions '{shortened(lacking[0])}'.")
    if other := sorted(found - expected):
        raise UserError(f"{file.name} has predictions '{shortened(other[0])}', which this task does not ask for.")
    return expected == generated


class NotFiniteError(UserError):
    """Predictions contain NaN, or infinities that leave the score without a finite value."""


def _score(evaluation: Evaluation, found: Mapping[str, np.ndarray], arrays: Path) -> tuple[Score, np.ndarray | None]:
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
        cluster = answers.groups[evaluation.clusters] if evaluation.clusters else None
        per_row = metric.row_scores(predicted, targets, cluster)
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
    score = Score(
        metric=metric.name,
        direction=metric.direction,
        value=_number(value),
        standard_error=_number(standard_error),
        rows=len(targets),
        clusters=None if per_row is None else len(per_row),
        slices={name: {str(key): _number(v) for key, v in groups.items()} for name, groups in slices.items()},
    )
    return score, per_row


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
