"""Carry out a run: prepare, train, score and record the cells that have no final record."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

from ..data.prepare import is_damaged, is_prepared, read_meta, task_card
from ..data.samples import sample_card
from ..errors import UserError
from ..planning.cell import Cell, Keyed
from ..planning.job import LOG, PrepareJob
from ..records.record import Outcome, Record
from ..records.store import read_record
from .child import read_outcome, tail
from .executor import Ended, Executor, Request, Result, Started
from .lock import Claims, locked
from .progress import Progress
from .record_cell import Recorder, cell_info, model_card
from .run import Run

_STOPPED = Outcome(status="interrupted", reason="The run was stopped; the next run resumes from here.")

_NOTHING_PREPARED = Outcome(status="crashed", reason="The process that prepared it left no valid meta.json.")


@dataclass
class Report:
    """The records of a run's cells, existing and new."""

    kept: list[Record] = field(default_factory=list)
    new: list[Record] = field(default_factory=list)
    elsewhere: list[str] = field(default_factory=list)
    """Names of the cells that other runs were working on."""

    @property
    def records(self) -> list[Record]:
        """Return the records of all cells."""
        return [*self.kept, *self.new]

    @property
    def failed(self) -> list[Record]:
        """Return the records with a status other than ok or skipped."""
        return [record for record in self.records if record.failed]


class Runner:
    """The steps of a run. Use it once."""

    def __init__(self, run: Run, executor: Executor, progress: Progress | None = None):
        self.run, self.executor = run, executor
        self.progress = progress or Progress(quiet=True)
        self.recorder = Recorder(run.store, run.device, run.plugins, run.extras.keep_weights)
        self.report = Report()
        self.unprepared: dict[Path, Result] = {}
        self.claims = Claims()
        self.began = time.time()

    def execute(self) -> Report:
        """Run the missing cells. A failure is recorded and does not stop the other cells."""
        with locked(self.run.store.folder, shared=True):
            self.run.store.mark()
            set_aside = self.run.store.set_aside()
            self.report.kept, missing = self.run.split()
            self.progress.begin(len(missing), len(self.report.kept), [*self.run.plan.notes, *set_aside])
            self._write_model_cards(missing)
            try:
                self._prepare(missing)
                self._train(self._record_what_cannot_run(missing))
            finally:
                self.claims.release_all()
        return self.report

    def _write_model_cards(self, missing: Sequence[Keyed]) -> None:
        for entry in {keyed.cell.variant.entry.name: keyed.cell.variant.entry for keyed in missing}.values():
            self.run.store.write_card(model_card(entry))

    def _prepare(self, missing: Sequence[Keyed]) -> None:
        """Prepare the arrays of each task and seed once; the lowest seed also gives the card's reference scores."""
        trained = [keyed for keyed in missing if keyed.cell.training is not None]
        wanted = {keyed.arrays: keyed.cell for keyed in sorted(trained, key=lambda keyed: -keyed.cell.seed)}
        with_card = {cell.task.name: (cell.task, arrays) for arrays, cell in wanted.items() if self._gives_card(cell)}
        waiting: list[tuple[Request, Path]] = []
        for arrays, cell in wanted.items():
            with_scores = cell.task.name in with_card and with_card[cell.task.name][1] == arrays
            if is_damaged(arrays):
                self.progress.damaged(f"{cell.task.name} s{cell.seed}")
            if _lacks(arrays, with_scores):
                request = self.run.prepare_request(cell.task, cell.seed, arrays, with_reference_scores=with_scores)
                waiting.append((request, arrays))
        claimed = [pair for pair in waiting if self.claims.take(pair[0].folder)]
        self._prepare_claimed(claimed)
        for pair in waiting:
            if pair not in claimed:  # another run prepares these arrays
                self.claims.take(pair[0].folder, wait=True)
                self._prepare_claimed([pair])
        for task, arrays in with_card.values():
            prepared = is_prepared(arrays)
            self.run.store.write_card(task_card(task, read_meta(arrays) if prepared else None))
            if samples := sample_card(task, arrays) if prepared else None:
                self.run.store.write_card(samples)

    def _gives_card(self, cell: Cell) -> bool:
        """Return whether this run writes the card of a cell's task: the shard with the plan's lowest seed does."""
        seeds = [other.seed for other in self.run.plan.cells if other.task.name == cell.task.name]
        return self.run.shard is None or cell.seed == min(seeds)

    def _prepare_claimed(self, claimed: Sequence[tuple[Request, Path]]) -> None:
        """Prepare arrays that another run has not prepared in the meantime, and release their claims."""
        targets = {request.folder: arrays for request, arrays in claimed}
        requests = [request for request, arrays in claimed if _lacks(arrays, _scores_of(request))]
        with closing(self.executor.run(requests)) as events:
            for event in events:
                if isinstance(event, Started):
                    self.progress.preparing(event.request.name)
                elif isinstance(event, Ended):
                    arrays, result = targets[event.request.folder], event.result
                    if result.outcome.status == "ok" and not is_prepared(arrays):
                        result = replace(result, outcome=_NOTHING_PREPARED)
                    if result.outcome.status != "ok":
                        self.unprepared[arrays] = result
                else:
                    self.progress.tick()
        for folder in targets:
            shutil.rmtree(folder, ignore_errors=True)
            self.claims.release(folder)

    def _record_what_cannot_run(self, missing: Sequence[Keyed]) -> list[Keyed]:
        """Record the cells that have no recipe or no arrays, and return the others."""
        ready = []
        for keyed in missing:
            if keyed.cell.training is None:
                self._record(keyed, _without_recipe(keyed), _now())
            elif not is_prepared(keyed.arrays):
                failure = self.unprepared.get(keyed.arrays, Result(_NOTHING_PREPARED))
                self._record(keyed, _without_arrays(failure), _now())
            else:
                ready.append(keyed)
        return ready

    def _train(self, ready: Sequence[Keyed]) -> None:
        """Run the trials; a cell that its ensemble leaves without an outcome runs again on its own."""
        again = self._train_groups(self.run.together(ready))
        self._train_groups([[keyed] for keyed in again])

    def _train_groups(self, groups: Sequence[Sequence[Keyed]]) -> list[Keyed]:
        """Run and record the trials, and return the cells that have no outcome because their ensemble failed.

        If the run is stopped, record the unfinished cells as interrupted.
        """
        cells: dict[Path, Sequence[Keyed]] = {}
        running: dict[Path, str] = {}
        again: list[Keyed] = []
        with closing(self.executor.run(self._claimed(groups, cells))) as events:
            try:
                for event in events:
                    if isinstance(event, Started):
                        folder = event.request.folder
                        running[folder] = _now()
                        for keyed in cells[folder]:
                            self.progress.started(keyed.cell.name, self.run.folder_of(keyed))
                    elif isinstance(event, Ended):
                        folder = event.request.folder
                        for keyed, result in self._results(cells[folder], event.result):
                            if result is None:
                                again.append(keyed)
                            else:
                                self._record(keyed, result, running[folder])
                        if len(cells[folder]) > 1:
                            shutil.rmtree(folder, ignore_errors=True)
                        del running[folder]
                    else:
                        self.progress.tick()
            except BaseException:
                events.close()  # ends the trials
                for folder, started in running.items():
                    for keyed in cells[folder]:
                        self._record(keyed, Result(_STOPPED, tail(folder / LOG)), started)
                raise
        return again

    def _results(self, cells: Sequence[Keyed], result: Result) -> list[tuple[Keyed, Result | None]]:
        """Return the result of each cell of a job; those trained together have their outcomes in their own folders."""
        if len(cells) == 1:
            return [(cells[0], result)]
        if result.outcome.status != "ok":
            return [(keyed, None) for keyed in cells]
        outcomes = [read_outcome(self.run.folder_of(keyed)) for keyed in cells]
        peak, seen = result.peak_rss // len(cells), replace(result.seen, seconds=None)
        return [
            (keyed, outcome and replace(result, outcome=outcome, peak_rss=peak, seen=seen))
            for keyed, outcome in zip(cells, outcomes, strict=True)
        ]

    def _claimed(self, groups: Iterable[Sequence[Keyed]], cells: dict[Path, Sequence[Keyed]]) -> Iterator[Request]:
        """Claim the cells of each group just before they run, and note in `cells` which ones a request's folder has."""
        for group in groups:
            taken = [keyed for keyed in group if self._claim(keyed)]
            if taken:
                request = self.run.train_request(taken)
                cells[request.folder] = taken
                yield request

    def _claim(self, keyed: Keyed) -> bool:
        """Claim a cell, unless another run works on it or has recorded it since this one began."""
        folder = self.run.folder_of(keyed)
        if not self.claims.take(folder):
            self.report.elsewhere.append(keyed.cell.name)
            return False
        if record := self._recorded_meanwhile(keyed):
            self.report.kept.append(record)
            self.claims.release(folder)
            return False
        return True

    def _recorded_meanwhile(self, keyed: Keyed) -> Record | None:
        """Return the final record of a cell that another run has written since this one began."""
        path = self.run.store.path(cell_info(keyed.cell), keyed.key)
        try:
            record = read_record(path) if path.stat().st_mtime > self.began else None
        except (OSError, UserError):
            return None
        return record if record and record.is_final else None

    def _record(self, keyed: Keyed, result: Result, started: str) -> None:
        folder = self.run.folder_of(keyed)
        record = self.recorder.record(keyed, folder, result, started)
        self.run.store.write(record)
        self.report.new.append(record)
        if record.is_final:
            shutil.rmtree(folder, ignore_errors=True)
        self.claims.release(folder)
        self.progress.recorded(record)


def _lacks(arrays: Path, with_scores: bool) -> bool:
    return not is_prepared(arrays) or (with_scores and read_meta(arrays).reference_scores is None)


def _scores_of(request: Request) -> bool:
    return isinstance(request.work, PrepareJob) and request.work.with_reference_scores


def _without_recipe(keyed: Keyed) -> Result:
    cell = keyed.cell
    reason = f"The card of {cell.variant.entry.name} has no {cell.recipe} recipe for {cell.task.name}."
    return Result(Outcome(status="skipped", reason=reason))


def _without_arrays(failure: Result) -> Result:
    reason = f"The data could not be prepared: {failure.outcome.reason}"
    return replace(failure, outcome=Outcome(status=failure.outcome.status, reason=reason))


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
