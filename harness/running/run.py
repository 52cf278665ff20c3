"""A run: the cells of a plan, where they run, and which of them have a record."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from ..data.prepare import prepared_folder
from ..errors import UserError
from ..planning.cell import Cell, Keyed, Plan, PlannedTask
from ..planning.ensemble import ensembles
from ..planning.find import name_of
from ..planning.job import ClassLocation, EnsembleJob, PrepareJob, TrainJob
from ..planning.key import key_of, key_parts
from ..records.record import Record
from ..records.store import WORK, ResultStore
from ..text import shortened
from .child import Limits
from .environment import device_name, torch_version
from .executor import Request
from .score import readouts

PREPARE_SECONDS = 4 * 3600.0
"""Time limit for preparing arrays, which may take longer than a trial: a click log has 46 million rows."""

Rerun = Literal["missing", "failed", "stale", "all"]

SOURCES = ("model_source", "task_source")
"""Parts of a key that change when the code of a model or task is edited."""


@dataclass(frozen=True)
class Shard:
    """Part `number` of `count` parts of a plan, for runs that share a results folder."""

    number: int
    count: int

    @classmethod
    def parse(cls, text: str) -> Shard:
        """Return the shard of a text such as ``2/8``, or raise `UserError`."""
        number, slash, count = text.partition("/")
        if not (slash and number.isdecimal() and count.isdecimal() and 1 <= int(number) <= int(count)):
            raise UserError(f"--shard {shortened(text, 40)}: use I/N, with I from 1 to N, such as 1/4.")
        return cls(int(number), int(count))

    def of(self, cells: Sequence[Cell]) -> Sequence[Cell]:
        """Return every count-th cell."""
        return cells[self.number - 1 :: self.count]


@dataclass(frozen=True)
class Extras:
    """What a trial should produce in addition to its scores; cells with records that lack it run again.

    Attributes
    ----------
    keep_weights
        Keep the weights used for the test predictions.
    multiplicity
        Measure predictive multiplicity (`archarena.harness.training.perturb`).
    """

    keep_weights: bool = False
    multiplicity: bool = False

    def are_in(self, record: Record) -> bool:
        """Return whether a record has everything requested, or cannot have it."""
        if record.status != "ok" or record.size is None:
            return True
        lacks_weights = self.keep_weights and record.weights is None
        return not lacks_weights and not (self.multiplicity and record.multiplicity is None)


@dataclass(frozen=True)
class Run:
    """A plan with the place, device and options of its trials.

    Attributes
    ----------
    data
        The data folder.
    device
        ``cpu`` or ``cuda``.
    plugins
        Plugin files, repeated in the commands that records contain.
    rerun
        Which cells run: ``missing`` (those without a final record), also those that ``failed``, only ``stale`` ones
        (with a record of an older source and none of the current one), or ``all``.
    limits
        Limits of every trial; by default those of the tier.
    shard
        Which part of the plan's cells this run covers, or None for all.
    """

    plan: Plan
    store: ResultStore
    data: Path
    device: str
    plugins: Sequence[Path] = ()
    extras: Extras = Extras()
    rerun: Rerun = "missing"
    limits: Limits | None = None
    shard: Shard | None = None

    @property
    def work(self) -> Path:
        """Return the folder of running trials and prepared arrays."""
        return self.store.folder.resolve() / WORK

    def keyed(self) -> list[Keyed]:
        """Return the cells with their keys."""
        name, torch = device_name(self.device), torch_version()
        found = []
        for cell in self.shard.of(self.plan.cells) if self.shard else self.plan.cells:
            parts = key_parts(cell, device=name, torch_version=torch)
            found.append(Keyed(cell, key_of(parts), parts, prepared_folder(self.work, cell.task, cell.seed)))
        return found

    def split(self) -> tuple[list[Record], list[Keyed]]:
        """Return the records to keep, and the cells to run."""
        known = self.store.by_key()
        if self.rerun == "stale":
            return self._split_stale(known)
        kept: list[Record] = []
        missing: list[Keyed] = []
        for keyed in self.keyed():
            record = known.get(keyed.key)
            if record is not None and self._stands(record):
                kept.append(record)
            else:
                missing.append(keyed)
        return kept, missing

    def _split_stale(self, known: Mapping[str, Record]) -> tuple[list[Record], list[Keyed]]:
        """Return the current records, and the cells of which only an older source has a record."""
        kept: list[Record] = []
        stale: list[Keyed] = []
        by_age = sorted(known.values(), key=lambda record: record.order)
        older = {(name_of(record), record.key_parts.get("device")): record.key_parts for record in by_age}
        for keyed in self.keyed():
            parts = older.get((keyed.cell.name, keyed.parts["device"]), keyed.parts)
            if keyed.key in known:
                kept.append(known[keyed.key])
            elif any(parts.get(name) != keyed.parts[name] for name in SOURCES):
                stale.append(keyed)
        return kept, stale

    def _stands(self, record: Record) -> bool:
        if self.rerun == "all" or not self.extras.are_in(record):
            return False
        return not record.failed if self.rerun == "failed" else record.is_final

    def folder_of(self, keyed: Keyed) -> Path:
        """Return the working folder of a cell's trial."""
        return self.work / "cells" / keyed.key

    def prepare_request(self, task: PlannedTask, seed: int, target: Path, *, with_reference_scores: bool) -> Request:
        """Return the request to prepare a task's arrays in `target`."""
        job = PrepareJob(
            task=ClassLocation.of(task.entry),
            tier=task.tier.name,
            seed=seed,
            data=self.data,
            target=target,
            with_reference_scores=with_reference_scores,
        )
        limits = replace(self._limits(task), seconds=PREPARE_SECONDS)
        return Request(f"{task.name} s{seed}", self.work / "prepare" / target.name, job, limits, task.tier.threads)

    def together(self, cells: Sequence[Keyed]) -> list[list[Keyed]]:
        """Return the cells in groups: those that train together, or a cell alone."""
        return ensembles(cells) if self.device == "cpu" else [[keyed] for keyed in cells]

    def train_request(self, cells: Sequence[Keyed]) -> Request:
        """Return the request to train a cell that has a recipe, or several that differ only in the seed together."""
        first, *others = cells
        task, folders = first.cell.task, [self.folder_of(keyed) for keyed in cells]
        limits = self._limits(task)
        if not others:
            return Request(first.cell.name, folders[0], self._train_job(first), limits, task.tier.threads)
        job = EnsembleJob(trials=[self._train_job(keyed) for keyed in cells], folders=folders)
        count = len(cells)
        limits = replace(limits, seconds=limits.seconds * count, memory_bytes=limits.memory_bytes * count)
        folder = self.work / "ensembles" / first.key
        return Request(f"{first.cell.name} and {len(others)} more seeds", folder, job, limits, task.tier.threads)

    def _train_job(self, keyed: Keyed) -> TrainJob:
        cell, training = keyed.cell, keyed.cell.training
        assert training is not None
        return TrainJob(
            model=ClassLocation.of(cell.variant.entry),
            hyperparameters=cell.variant.model_hyperparameters | dict(training.hyperparameters),
            depth=cell.depth,
            task=cell.task.name,
            tier=cell.task.tier.name,
            seed=cell.seed,
            training=training,
            metric=training.recipe.metric or cell.task.task.evaluations[0].scorer.name,
            arrays=keyed.arrays,
            device=self.device,
            readouts=readouts(cell.task),
            multiplicity=self.extras.multiplicity,
        )

    def _limits(self, task: PlannedTask) -> Limits:
        return self.limits or Limits(seconds=task.tier.seconds, memory_bytes=task.tier.memory_gib * 2**30)
