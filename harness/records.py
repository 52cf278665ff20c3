"""What a trial leaves: one JSON record, also when it failed, and its test predictions.

A results folder holds::

    records/TASK/VARIANT-sSEED-KEY.json     one record a cell
    predictions/KEY.safetensors             test predictions, written before the record
    weights/KEY.safetensors                 the trained model, where asked for
    cards/models/NAME.json                  what pages need to know of a model
    cards/tasks/TASK-TIER.json              ... and of a task, its levels included
    work/                                   running trials and prepared arrays; may be deleted

Every file is written whole or not at all. A record is written last, so that what it names exists.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from .errors import UserError
from .files import slug, write_json

SCHEMA = 1
MIGRATIONS: dict[int, Callable[[dict[str, Any]], dict[str, Any]]] = {}
"""Steps by the schema they start from: each turns a record of schema N into one of N + 1."""

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

    ``_95`` are 95th percentiles over rows, the others as in `archarena.harness.multiplicity`;
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


class ResultStore:
    """A results folder, read and written one whole file at a time."""

    def __init__(self, folder: Path):
        self.folder = folder

    def path_of(self, record: Record) -> Path:
        """Return where a record lies."""
        cell = record.cell
        name = f"{slug(cell.variant)[:120]}-s{cell.seed}-{record.short_key}.json"
        return self.folder / "records" / slug(cell.task) / name

    def write(self, record: Record) -> Path:
        """Write a record in place of an earlier one of the same cell and key."""
        path = self.path_of(record)
        write_json(path, record.model_dump(mode="json", by_alias=True))
        return path

    def read(self) -> Iterator[Record]:
        """Yield all records, by path.

        Raises
        ------
        UserError
            For a file that is not a record, or one of a newer schema.
        """
        for path in self.record_files():
            yield read_record(path)

    def record_files(self) -> list[Path]:
        """Return the paths of all records, sorted."""
        return sorted((self.folder / "records").glob("*/*.json"))

    def by_key(self) -> dict[str, Record]:
        """Return all records by their full key."""
        return {record.key: record for record in self.read()}

    def write_card(self, kind: Literal["models", "tasks"], name: str, card: dict[str, Any]) -> None:
        """Write what pages need to know of a model or a task."""
        write_json(self.folder / "cards" / kind / f"{slug(name)}.json", card)

    def cards(self, kind: Literal["models", "tasks"]) -> list[dict[str, Any]]:
        """Return all cards of one kind, by file name."""
        return [_read_json(path) for path in sorted((self.folder / "cards" / kind).glob("*.json"))]


def read_record(path: Path) -> Record:
    """Return the record in a file, migrated to the present schema.

    Raises
    ------
    UserError
        For a file that cannot be read, is not a record, or is one of a newer schema.
    """
    data = _read_json(path)
    schema = data.get("schema") if isinstance(data, dict) else None
    if type(schema) is not int or schema < min(MIGRATIONS, default=SCHEMA):
        raise UserError(f"{path} is not a record: it has no known schema number. Move it out of the records folder.")
    if schema > SCHEMA:
        raise UserError(
            f"{path} has schema {schema}, and this version of archarena reads up to {SCHEMA}: update archarena."
        )
    for step in range(schema, SCHEMA):
        data = MIGRATIONS[step](data)
    try:
        return Record.model_validate(data)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        raise UserError(
            f"{path} is not a valid record: {place}: {first['msg']}. Delete it and run its cell again."
        ) from None


def _read_json(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise UserError(f"{path} cannot be read ({error}). Delete it and run its cell again.") from None


def json_schema() -> dict[str, Any]:
    """Return the JSON Schema of a record."""
    return Record.model_json_schema(by_alias=True)
