"""Job descriptions that a parent process passes to a child process as one JSON file.

The child writes only to the job's folder, and to those of the cells that it trains together; the parent reads the
outcomes from there.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from ..contract.evaluation import Decoding
from ..contract.scan import Entry
from .recipe import Training

JOB, OUTCOME, PROGRESS, LOG = "job.json", "outcome.json", "progress.json", "log.txt"

PREDICTIONS, WEIGHTS = "predictions.safetensors", "weights.safetensors"


class _Message(BaseModel):
    model_config = ConfigDict(extra="forbid")


class ClassLocation(_Message):
    """Location of a registered class; the serializable part of `Entry`."""

    kind: Literal["model", "task"]
    name: str
    class_name: str
    file: Path
    module: str | None

    @classmethod
    def of(cls, entry: Entry) -> ClassLocation:
        return cls(kind=entry.kind, name=entry.name, class_name=entry.class_name, file=entry.file, module=entry.module)

    @property
    def entry(self) -> Entry:
        """Return the entry, without what its decorator declares."""
        return Entry(self.kind, self.name, self.class_name, {}, self.file, self.module)

    def load(self) -> type:
        return self.entry.load()


class PrepareJob(_Message):
    """Prepare a task's arrays."""

    action: Literal["prepare"] = "prepare"
    task: ClassLocation
    tier: str
    seed: int
    data: Path
    target: Path
    with_reference_scores: bool


class Readout(_Message):
    """One split to predict: model outputs, likelihoods of candidates, or generated answers.

    Attributes
    ----------
    split
        Its folder in the prepared arrays, such as ``tests/test`` or ``valid``.
    """

    name: str
    split: str
    readout: Literal["outputs", "likelihood", "generate"]
    decoding: Decoding | None = None


class TrainJob(_Message):
    """Train one cell and predict its test rows."""

    action: Literal["train"] = "train"
    model: ClassLocation
    hyperparameters: dict[str, Any]
    depth: int
    task: str
    tier: str
    seed: int
    training: Training
    metric: str
    arrays: Path
    device: str
    readouts: list[Readout]
    multiplicity: bool = False


class EnsembleJob(_Message):
    """Train cells that differ only in the seed as one ensemble; each has its own folder, with its own outcome."""

    action: Literal["train together"] = "train together"
    trials: list[TrainJob]
    folders: list[Path]


class Job(_Message):
    """The content of ``job.json``."""

    work: PrepareJob | TrainJob | EnsembleJob = Field(discriminator="action")
