"""What a trial leaves: one record, also when it failed."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

SCHEMA = 1

Status = Literal["ok", "skipped", "diverged", "oom", "timeout", "crashed", "interrupted"]

FINAL: tuple[Status, ...] = ("ok", "skipped", "diverged")
"""Statuses that another run of the same cell would only repeat."""


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)


class CellInfo(_Part):
    """Which cell the record is of."""

    variant: str
    model: str
    hyperparameters: dict[str, Any] = Field(default_factory=dict)
    task: str
    tier: str
    recipe: str
    seed: int


class Score(_Part):
    """One column's value on the test rows; `value` is null where the metric is not a number."""

    metric: str
    direction: Literal["higher", "lower"]
    value: float | None
    rows: int
    slices: dict[str, dict[str, float | None]] = Field(default_factory=dict)


class CurvePoint(_Part):
    """Training as seen at one evaluation on the validation rows."""

    step: int
    samples: int
    seconds: float
    train_loss: float | None
    valid: float | None


class Try(_Part):
    """One learning rate: how far it got and what it reached on the validation rows."""

    learning_rate: float
    steps: int
    valid: float | None
    diverged: bool = False
    curve: list[CurvePoint] = Field(default_factory=list)


class SizeInfo(_Part):
    """How the body was fitted to the tier's parameter budget; a published size is its own budget."""

    width: int
    depth: int
    slack: dict[str, int] = Field(default_factory=dict)
    budget: int
    body_parameters: int
    total_parameters: int
    deviation: float


class Cost(_Part):
    """Measured cost. Times are comparable only within one device and one protocol.

    Attributes
    ----------
    train_seconds
        Optimiser steps of the chosen learning rate alone.
    total_seconds
        The whole trial: all rates, validation and the test rows; where it was stopped and taken up
        again, all its processes together.
    state_bytes
        What a row's recurrent state holds, over all layers, once the task's length was seen; None
        where the model has no step or the task is not causal.
    energy_joules
        What the device used while the chosen try was trained, validation included; None where it
        does not tell.
    """

    train_seconds: float | None = None
    total_seconds: float | None = None
    samples_per_second: float | None = None
    tokens_per_second: float | None = None
    step_ms: dict[str, float] = Field(default_factory=dict)
    inference_ms: float | None = None
    forward_flops: float | None = None
    state_bytes: int | None = None
    energy_joules: float | None = None
    peak_rss_bytes: int | None = None
    peak_allocated_bytes: int | None = None
    peak_reserved_bytes: int | None = None


class DataInfo(_Part):
    """What the cell was trained and tested on."""

    identity: dict[str, Any]
    checksum: str | None = None
    reduced: bool = True
    rows: dict[str, int] = Field(default_factory=dict)


class PredictionFile(_Part):
    """Test predictions kept beside the record."""

    file: str
    sha256: str
    rows: dict[str, int]


class WeightsFile(_Part):
    """The weights that the test rows were read with, kept where asked for."""

    file: str
    sha256: str


class TradeOff(_Part):
    """Quality against training time from one run with a cyclic learning rate (Portes et al. 2022, arXiv:2206.00832).

    Attributes
    ----------
    points
        The end of each cycle, where the rate is near 0; a point stands for a run of that length.
    noise_floor
        Orders between models are not to be trusted within this distance, in the unit of a
        fraction: cyclic and separate runs differed by up to 0.7 points in the paper. None where
        the score is not a fraction.
    """

    metric: str
    points: list[CurvePoint]
    noise_floor: float | None = None


class NearEqualsStep(_Part):
    """How differently the models decide whose validation loss is within `epsilon` of the trained one's.

    ``_95`` are 95th percentiles over rows, the others as in `archarena.harness.records.multiplicity`;
    `models` counts the trained one too.
    """

    epsilon: float
    models: int
    ambiguity: float
    discrepancy: float
    disagreement: float
    disagreement_95: float
    viable_range: float
    viable_range_95: float


class NearEquals(_Part):
    """Near-equals of the trained model that were drawn by noise at inference, on validation rows.

    `reason` says why there are none.
    """

    reason: str = ""
    rows: int = 0
    drawn: int = 0
    base_loss: float | None = None
    steps: list[NearEqualsStep] = Field(default_factory=list)


class Outcome(_Part):
    """What a child says of its work; predictions lie beside it."""

    status: Status
    reason: str = ""
    learning_rate: float | None = None
    tries: list[Try] = Field(default_factory=list)
    size: SizeInfo | None = None
    lift: str | None = None
    kernels: dict[str, str] = Field(default_factory=dict)
    cost: Cost = Field(default_factory=Cost)
    trade_off: TradeOff | None = None
    near_equals: NearEquals | None = None


class Record(_Part):
    """Everything one trial left."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False, populate_by_name=True)

    schema_version: int = Field(default=SCHEMA, alias="schema")
    key: str
    key_parts: dict[str, Any]
    cell: CellInfo
    status: Status
    reason: str = ""
    log_tail: str = ""
    scores: dict[str, Score] = Field(default_factory=dict)
    learning_rate: float | None = None
    tries: list[Try] = Field(default_factory=list)
    size: SizeInfo | None = None
    lift: str | None = None
    kernels: dict[str, str] = Field(default_factory=dict)
    cost: Cost = Field(default_factory=Cost)
    data: DataInfo
    environment: dict[str, Any] = Field(default_factory=dict)
    command: str = ""
    started: str = ""
    predictions: PredictionFile | None = None
    weights: WeightsFile | None = None
    trade_off: TradeOff | None = None
    near_equals: NearEquals | None = None

    @property
    def short_key(self) -> str:
        """Return the first characters of the key, as file names show it."""
        return self.key[:12]

    @property
    def is_final(self) -> bool:
        """Return whether running the cell again would only repeat this record."""
        return self.status in FINAL


def json_schema() -> dict[str, Any]:
    """Return the JSON Schema of a record."""
    return Record.model_json_schema(by_alias=True)
