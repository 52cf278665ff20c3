"""Run a plan: prepare, train, score and record the cells without a record, and keep the others."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from ..data.prepare import is_prepared, prepared_folder, read_meta, task_card
from ..planning.cell import Cell, Keyed, Plan, PlannedTask
from ..planning.job import PrepareJob, Source, TrainJob
from ..planning.key import key_of, key_parts
from ..planning.recipe import Training
from ..records.record import Outcome, Record
from ..records.store import ResultStore
from .child import Limits
from .environment import device_name, torch_version
from .executor import Ended, Executor, Request
from .lock import locked
from .record_cell import Recorder, model_card
from .score import readouts

PREPARE_SECONDS = 4 * 3600.0
"""Time limit for preparing arrays, which may take longer than a trial: a click log has 46 million rows."""

Rerun = Literal["missing", "failed", "all"]


class Watcher:
    """Receives the events of a run. The base class ignores them."""

    def begin(self, total: int, kept: int, notes: Sequence[str]) -> None:
        """Handle the start: the number of cells to run, the number that have a record, notes on what was left out."""

    def preparing(self, name: str) -> None:
        """Handle the start of a task's preparation."""

    def started(self, name: str, folder: Path) -> None:
        """Handle the start of a trial, which writes its progress to `folder`."""

    def ended(self, record: Record) -> None:
        """Handle the record of a finished trial."""

    def tick(self) -> None:
        """Do periodic work; called many times per second."""


@dataclass
class Report:
    """The records of a run's cells, existing and new."""

    kept: list[Record] = field(default_factory=list)
    new: list[Record] = field(default_factory=list)

    @property
    def records(self) -> list[Record]:
        """Return the records of all cells."""
        return [*self.kept, *self.new]

    @property
    def failed(self) -> list[Record]:
        """Return the records with a status other than ok or skipped."""
        return [record for record in self.records if record.failed]


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


class Runner:
    """Runs the cells of a plan that have no final record."""

    def __init__(
        self,
        plan: Plan,
        store: ResultStore,
        data: Path,
        device: str,
        plugins: Sequence[Path] = (),
        extras: Extras = Extras(),
    ):
        self.plan, self.store, self.data, self.device, self.extras = plan, store, data, device, extras
        self.recorder = Recorder(store, device, plugins)
        self.work = store.folder.resolve() / "work"
        self.broken: dict[Path, Ended] = {}

    def keyed(self) -> list[Keyed]:
        """Return the cells with their keys."""
        name, torch = device_name(self.device), torch_version()
        found = []
        for cell in self.plan.cells:
            parts = key_parts(cell, device=name, torch_version=torch)
            found.append(Keyed(cell, key_of(parts), parts, prepared_folder(self.work, cell.task, cell.seed)))
        return found

    def split(self, rerun: Rerun = "missing") -> tuple[list[Record], list[Keyed]]:
        """Return the records to keep, and the cells to run."""
        known = self.store.by_key()
        kept: list[Record] = []
        missing: list[Keyed] = []
        for keyed in self.keyed():
            record = known.get(keyed.key)
            if record is not None and _stands(record, rerun) and self.extras.are_in(record):
                kept.append(record)
            else:
                missing.append(keyed)
        return kept, missing

    def run(self, executor: Executor, watcher: Watcher | None = None, rerun: Rerun = "missing") -> Report:
        """Run the missing cells. A failure is recorded and does not stop the other cells."""
        watcher = watcher or Watcher()
        with locked(self.store.folder):
            kept, missing = self.split(rerun)
            watcher.begin(len(missing), len(kept), self.plan.notes)
            report = Report(kept)
            self._write_model_cards(missing)
            self._prepare(executor, missing, watcher)
            self._train(executor, missing, watcher, report)
        return report

    def _write_model_cards(self, missing: Sequence[Keyed]) -> None:
        for entry in {keyed.cell.variant.entry.name: keyed.cell.variant.entry for keyed in missing}.values():
            self.store.write_card(model_card(entry))

    def _prepare(self, executor: Executor, missing: Sequence[Keyed], watcher: Watcher) -> None:
        """Prepare the arrays of each task and seed once; the lowest seed also gives the card's reference scores."""
        trained = [keyed for keyed in missing if keyed.cell.training is not None]
        wanted = {keyed.arrays: keyed.cell for keyed in sorted(trained, key=lambda keyed: -keyed.cell.seed)}
        with_card = {cell.task.name: (cell.task, arrays) for arrays, cell in wanted.items()}
        requests = [
            self._prepare_request(cell.task, cell.seed, arrays, with_reference_scores)
            for arrays, cell in wanted.items()
            for with_reference_scores in [with_card[cell.task.name][1] == arrays]
            if not is_prepared(arrays) or (with_reference_scores and read_meta(arrays).reference_scores is None)
        ]
        executor.run(requests, lambda request: watcher.preparing(request.name), self._prepared, watcher.tick)
        for task, arrays in with_card.values():
            self.store.write_card(task_card(task, read_meta(arrays) if is_prepared(arrays) else None))

    def _prepare_request(self, task: PlannedTask, seed: int, target: Path, with_reference_scores: bool) -> Request:
        job = PrepareJob(
            task=Source.of(task.entry),
            tier=task.tier.name,
            seed=seed,
            data=self.data,
            target=target,
            with_reference_scores=with_reference_scores,
        )
        folder = self.work / "prepare" / target.name
        limits = replace(_limits(task), seconds=PREPARE_SECONDS)
        return Request(f"{task.name} s{seed}", folder, job, limits, task.tier.threads)

    def _prepared(self, request: Request, ended: Ended) -> None:
        assert isinstance(request.work, PrepareJob)
        if ended.outcome.status != "ok":
            self.broken[request.work.target] = ended
        shutil.rmtree(request.folder, ignore_errors=True)

    def _train(self, executor: Executor, missing: Sequence[Keyed], watcher: Watcher, report: Report) -> None:
        by_folder = {self.work / "cells" / keyed.key: keyed for keyed in missing}
        started: dict[Path, str] = {}

        def begin(request: Request) -> None:
            started[request.folder] = _now()
            watcher.started(request.name, request.folder)

        def keep(keyed: Keyed, folder: Path, ended: Ended) -> None:
            record = self.recorder.record(keyed, folder, ended, started.get(folder, _now()))
            self.store.write(record)
            report.new.append(record)
            if record.is_final:
                shutil.rmtree(folder, ignore_errors=True)
            watcher.ended(record)

        def requests() -> Iterator[Request]:
            for folder, keyed in by_folder.items():
                if keyed.cell.training is None:
                    keep(keyed, folder, _without_recipe(keyed.cell))
                elif is_prepared(keyed.arrays):
                    yield self._train_request(keyed, keyed.cell.training, folder)
                else:
                    keep(keyed, folder, self._unprepared(keyed.arrays))

        executor.run(requests(), begin, lambda r, ended: keep(by_folder[r.folder], r.folder, ended), watcher.tick)

    def _unprepared(self, arrays: Path) -> Ended:
        ended = self.broken[arrays]
        reason = f"The data could not be prepared: {ended.outcome.reason}"
        return Ended(Outcome(status=ended.outcome.status, reason=reason), ended.log_tail, ended.peak_rss)

    def _train_request(self, keyed: Keyed, training: Training, folder: Path) -> Request:
        cell = keyed.cell
        job = TrainJob(
            model=Source.of(cell.variant.entry),
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
            keep_weights=self.extras.keep_weights,
            multiplicity=self.extras.multiplicity,
        )
        return Request(cell.name, folder, job, _limits(cell.task), cell.task.tier.threads)


def _stands(record: Record, rerun: Rerun) -> bool:
    if rerun == "all":
        return False
    return not record.failed if rerun == "failed" else record.is_final


def _without_recipe(cell: Cell) -> Ended:
    reason = f"The card of {cell.variant.entry.name} has no {cell.recipe} recipe for {cell.task.name}."
    return Ended(Outcome(status="skipped", reason=reason), "", 0)


def _limits(task: PlannedTask) -> Limits:
    return Limits(seconds=task.tier.seconds, memory_bytes=task.tier.memory_gib * 2**30)


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
