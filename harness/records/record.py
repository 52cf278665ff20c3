"""The record of a trial, written whether or not it succeeded."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from ..contract.metrics import Direction
from ..errors import UserError
from ..files import write_atomically

SCHEMA = 4

Status = Literal["ok", "skipped", "diverged", "oom", "timeout", "crashed", "interrupted"]

FINAL: tuple[Status, ...] = ("ok", "skipped", "diverged")
"""Statuses that a rerun of the same cell would reproduce."""


LARGEST_SEED = 2**63 - 1
"""Seeds are stored as 64-bit integers in tables."""

LONGEST_VARIANT = 1000
"""Number of characters of a variant's name, which contains its hyperparameters."""


def _within_range(value: float) -> float:
    if abs(value) > LARGEST_NUMBER:
        raise ValueError(f"number above {LARGEST_NUMBER:g}")
    return value if abs(value) > 1 / LARGEST_NUMBER else 0.0


LARGEST_NUMBER = 1e100
"""The square of every 32-bit number is smaller. Sums and charts of larger numbers overflow."""

Number = Annotated[float, AfterValidator(_within_range)]
"""A measured number; a magnitude below 1e-100 counts as zero."""

Count = Annotated[int, Field(ge=-(2**63), lt=2**63)]

_Name = Annotated[str, Field(max_length=200)]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)


class CellInfo(_Part):
    """The cell that the record belongs to."""

    variant: Annotated[str, Field(max_length=LONGEST_VARIANT)]
    model: _Name
    hyperparameters: dict[str, Any] = Field(default_factory=dict)
    task: _Name
    tier: _Name
    recipe: _Name
    seed: Annotated[int, Field(ge=0, le=LARGEST_SEED)]


class Score(_Part):
    """One column's score on the test rows; `value` is null if the metric is not finite.

    `standard_error` is that of the score over the test rows; None in older records. `clusters` is the number of
    independent rows, or of clusters of rows, that the record's row scores are drawn from; None if there are none.
    """

    metric: str
    direction: Direction
    value: Number | None
    standard_error: Number | None = None
    rows: Count
    clusters: Count | None = None
    slices: dict[str, dict[str, Number | None]] = Field(default_factory=dict)


class CurvePoint(_Part):
    """The state of training at one validation run."""

    step: Count
    samples: Count
    seconds: Number
    train_loss: Number | None
    valid: Number | None


Ending = Literal["perfect", "stalled", "budget"]
"""How training ended: at a perfect validation score, because the score stalled, or after all steps of the budget."""


_ENDINGS: dict[Ending, str] = {"perfect": "perfect score", "stalled": "score stalled", "budget": "budget used"}


class AttemptInfo(_Part):
    """One attempt: a learning rate, its steps and its validation score.

    `ended` is None for attempts that diverged or were only probed. `decay_from` is the step at which the final decay
    of the learning rate began, or None if there was none. Older records have neither.
    """

    learning_rate: Number
    steps: Count
    valid: Number | None
    diverged: bool = False
    ended: Ending | None = None
    decay_from: Count | None = None
    curve: list[CurvePoint] = Field(default_factory=list)

    @property
    def end(self) -> str:
        """Return in words how training ended; empty if it was only probed or the record does not say."""
        decay = "" if self.decay_from is None else f", decay from step {self.decay_from:,}"
        return f"{_ENDINGS[self.ended]}{decay}" if self.ended else ""


class SizeInfo(_Part):
    """The model's size and how closely its body matches the tier's body size.

    For a published size, `target_parameters` is the model's actual body size. `fixed` says whether the model sets its
    own width (`archarena.harness.contract.model.Model.fixed_width`).
    """

    width: Count
    depth: Count
    slack: dict[str, Count] = Field(default_factory=dict)
    target_parameters: Count
    body_parameters: Count
    total_parameters: Count
    deviation: Number
    fixed: bool = False


class Cost(_Part):
    """Measured cost. Times are comparable only within one device and one protocol.

    Attributes
    ----------
    train_seconds
        Optimizer steps of the chosen learning rate only.
    total_seconds
        The whole trial: all learning rates, validation and test, summed over all processes if it was
        interrupted and resumed.
    phases
        Seconds per phase of the process that finished the trial (`archarena.harness.training.phases`): set up, train
        (all learning rates), validate, predict and measure.
    state_bytes
        Recurrent state per row, over all layers, after a sequence of the task's length; None if the
        model has no `step` or the task is not causal.
    members
        Number of seeds trained together as one ensemble; the times and the memory are this cell's share.
    energy_joules
        Energy used by the device for the chosen attempt, including validation; None if the device
        does not report it.
    """

    members: Annotated[int, Field(ge=1)] = 1
    train_seconds: Number | None = None
    total_seconds: Number | None = None
    samples_per_second: Number | None = None
    tokens_per_second: Number | None = None
    phases: dict[str, Number] = Field(default_factory=dict)
    step_ms: dict[str, Number] = Field(default_factory=dict)
    inference_ms: Number | None = None
    forward_flops: Number | None = None
    state_bytes: Count | None = None
    energy_joules: Number | None = None
    peak_rss_bytes: Count | None = None
    peak_allocated_bytes: Count | None = None
    peak_reserved_bytes: Count | None = None


class DataInfo(_Part):
    """The data that the cell was trained and tested on."""

    identity: dict[str, Any]
    checksum: str | None = None
    reduced: bool = True
    rows: dict[str, Count] = Field(default_factory=dict)


class Artifact(_Part):
    """A file kept with a record: the test predictions, the tested weights, or the scores per row.

    Attributes
    ----------
    file
        Path relative to the results folder.
    rows
        For predictions and scores per row, the number of rows kept per array.
    """

    file: str
    sha256: str
    rows: dict[str, Count] = Field(default_factory=dict)

    @classmethod
    def write(
        cls,
        results: Path,
        kind: Literal["predictions", "weights", "rows"],
        key: str,
        content: bytes,
        rows: dict[str, Count],
    ) -> Artifact:
        file = f"{kind}/{key}.{'safetensors.z' if kind == 'rows' else 'safetensors'}"
        write_atomically(results / file, content)
        return cls(file=file, sha256=hashlib.sha256(content).hexdigest(), rows=rows)

    def read(self, results: Path) -> bytes:
        """Return the content; raise `UserError` if the file is missing, outside the results folder, or changed."""
        path = (results / self.file).resolve()
        content = path.read_bytes() if path.is_relative_to(results.resolve()) and path.is_file() else None
        if content is None or hashlib.sha256(content).hexdigest() != self.sha256:
            raise UserError(f"{results / self.file} is missing or does not match its record.")
        return content


class TradeOff(_Part):
    """Quality against training time from one run with a cyclic learning rate (Portes et al. 2022, arXiv:2206.00832).

    Attributes
    ----------
    points
        One point per cycle, at its end, when the rate is near 0; it represents a run of that length.
    noise_floor
        Rankings of models that differ by less than this are unreliable: cyclic and separate runs
        differed by up to 0.7 points of accuracy in the paper. None if the score is not a fraction.
    """

    metric: str
    points: list[CurvePoint]
    noise_floor: Number | None = None


class MultiplicityStep(_Part):
    """Multiplicity among the models with a validation loss within `epsilon` of the trained model's.

    Fields ending in ``_95`` are 95th percentiles over rows; the others are defined in
    `archarena.harness.records.multiplicity`. `models` includes the trained model.
    """

    epsilon: Number
    models: Count
    ambiguity: Number
    discrepancy: Number
    disagreement: Number
    disagreement_95: Number
    viable_range: Number
    viable_range_95: Number


class Multiplicity(_Part):
    """Predictive multiplicity of the trained model on the validation rows, measured with noise at inference.

    `reason` explains why it was not measured; it is empty if it was.
    """

    reason: str = ""
    rows: Count = 0
    drawn: Count = 0
    base_loss: Number | None = None
    steps: list[MultiplicityStep] = Field(default_factory=list)


class LayerInfo(_Part):
    """A layer of the trained module.

    Attributes
    ----------
    depth
        Its level: the layers that follow with a larger depth are inside it.
    repeat
        Number of equal neighbors that it stands for.
    parameters
        Parameters of one of them.
    shape
        Shape of its output for one row; empty if it is not one tensor.
    products
        Number of products computed in the layer itself, by what they multiply.
    """

    depth: Count
    name: str
    kind: str
    repeat: Count = 1
    parameters: Count = 0
    shape: list[Count] = Field(default_factory=list)
    products: dict[str, Count] = Field(default_factory=dict)


class Calibration(_Part):
    """The rows of one bin of predicted probabilities: their mean, and the share of rows whose label is 1."""

    predicted: Number
    observed: Number
    rows: Count


class Decisions(_Part):
    """How the model decided on the test rows of the first evaluation.

    Attributes
    ----------
    confusion
        Number of rows by target, then by predicted class; empty for outputs without few classes.
    calibration
        Bins by predicted probability; empty unless the output is a binary label.
    """

    confusion: list[list[Count]] = Field(default_factory=list)
    calibration: list[Calibration] = Field(default_factory=list)


class Outcome(_Part):
    """The result a child process reports, and part of the record; predictions are stored in a separate file."""

    status: Status
    reason: str = ""
    learning_rate: Number | None = None
    attempts: list[AttemptInfo] = Field(default_factory=list)
    size: SizeInfo | None = None
    lift: str | None = None
    kernels: dict[str, str] = Field(default_factory=dict)
    cost: Cost = Field(default_factory=Cost)
    outline: list[LayerInfo] = Field(default_factory=list)
    trade_off: TradeOff | None = None
    multiplicity: Multiplicity | None = None

    @property
    def chosen(self) -> AttemptInfo | None:
        """Return the attempt with the chosen learning rate, or None if there is none."""
        return next((attempt for attempt in self.attempts if attempt.learning_rate == self.learning_rate), None)


class Record(Outcome):
    """The complete record of one trial.

    Attributes
    ----------
    written
        Milliseconds since 1970 when the record was written, but always more than in all earlier records
        of its results folder, even if the clock was set back. 0 before the store writes the record.
    sampled
        One answer per sample row of the task (`archarena.harness.running.sampled`); empty if it shows none.
    doubts
        One sentence per report of the trial that its parent could not confirm
        (`archarena.harness.running.doubts`).
    checksum
        Hash of the record's content, set by the store. None for records of schemas 1 and 2: a change
        in them cannot be noticed.
    """

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False, populate_by_name=True)

    schema_version: int = Field(default=SCHEMA, alias="schema")
    key: str
    key_parts: dict[str, Any]
    cell: CellInfo
    sampled: list[Any] = Field(default_factory=list)
    decisions: Decisions | None = None
    log_tail: str = ""
    scores: dict[str, Score] = Field(default_factory=dict)
    data: DataInfo
    environment: dict[str, Any] = Field(default_factory=dict)
    command: str = ""
    started: str = ""
    written: Count = 0
    checksum: str | None = None
    predictions: Artifact | None = None
    weights: Artifact | None = None
    row_scores: Artifact | None = None
    doubts: list[str] = Field(default_factory=list)

    @property
    def artifacts(self) -> list[Artifact]:
        """Return the files kept with the record."""
        return [file for file in (self.predictions, self.weights, self.row_scores) if file]

    @property
    def short_key(self) -> str:
        """Return the first 12 characters of the key, as used in file names."""
        return self.key[:12]

    @property
    def order(self) -> tuple[int, str]:
        """Return a value that is larger for newer records, of one or of several results folders."""
        return self.written or milliseconds(self.started), self.started

    @property
    def is_final(self) -> bool:
        """Return whether a rerun of the cell would reproduce this record."""
        return self.status in FINAL

    @property
    def failed(self) -> bool:
        """Return whether the trial neither succeeded nor was skipped."""
        return self.status not in ("ok", "skipped")


def milliseconds(time: str) -> int:
    """Return the milliseconds since 1970 of an ISO time, in UTC if it names no zone; 0 if it is not a time."""
    try:
        found = datetime.fromisoformat(time)
    except ValueError:
        return 0
    return int((found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp() * 1000)
