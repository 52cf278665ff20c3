"""Run seed after seed until the top of each column is settled."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import median

from ..data.prepare import task_card
from ..errors import UserError
from ..judging.of_records import column_of
from ..judging.race import LOOKS, needed_seeds, seeds_to_settle
from ..judging.reference import not_beaten
from ..planning.cell import Cell, Plan, PlannedTask
from ..records.cards import EvaluationCard, TaskCard
from ..records.record import Record
from ..records.row_scores import RowScores
from .run import Run
from .runner import Report


@dataclass(frozen=True)
class Wanted:
    """A cell that would help to settle a column, with the number of seeds that may settle it and its time."""

    cell: Cell
    about: int
    seconds: float


class UntilDecided:
    """Adds seeds to the cells of a run.

    Parameters
    ----------
    run
        Its plan names the variants and tasks; its seeds are ignored.
    execute
        Runs the cells of a run and returns their records.
    parallel
        Number of cells that run at the same time.
    """

    def __init__(self, run: Run, execute: Callable[[Run], Report], parallel: int = 1):
        self.run, self.execute, self.parallel = run, execute, parallel
        by_name = {(cell.task.name, cell.variant.name): cell for cell in run.plan.cells if cell.training is not None}
        self.cells: dict[str, list[Cell]] = defaultdict(list)
        for cell in by_name.values():
            self.cells[cell.task.name].append(cell)
        self.failed: set[tuple[str, str]] = set()

    def until_settled(self, hours: float | None = None) -> Report:
        """Run the wanted cells until none is left, or until the next one is not expected to end in time."""
        report, deadline = Report(), time.monotonic() + (float("inf") if hours is None else 3600 * hours)
        while chosen := self._that_fit(self.wanted(), deadline - time.monotonic()):
            found = self.execute(replace(self.run, plan=Plan(tuple(chosen), self.run.plan.notes)))
            report.new += found.new
            self.failed |= {(record.cell.task, record.cell.variant) for record in found.new if record.failed}
            if not found.new:
                break
        new = {record.key for record in report.new}
        report.kept = [record for own in self._records().values() for record in own if record.key not in new]
        return report

    def _that_fit(self, wanted: Sequence[Wanted], seconds: float) -> list[Cell]:
        """Return the first cells that are expected to end within this time."""
        chosen, used = [], 0.0
        for one in wanted:
            used += one.seconds / self.parallel
            if used > seconds:
                break
            chosen.append(one.cell)
        return chosen

    def wanted(self) -> list[Wanted]:
        """Return the cells to run next: those of pairs that need the fewest seeds and the least time first."""
        records = self._records()
        found = [one for cells in self.cells.values() for one in self._wanted(cells, records)]
        return sorted(found, key=lambda one: (one.about * one.seconds, one.cell.seed))

    def unsettled(self) -> list[str]:
        """Return the columns whose top is not settled, though more seeds may settle it."""
        records = self._records()
        return [found.column for cells in self.cells.values() for found, *_ in self._open(cells, records)]

    def _wanted(self, cells: Sequence[Cell], records: Mapping[tuple[str, str], list[Record]]) -> Iterator[Wanted]:
        task = cells[0].task
        targets: dict[str, tuple[int, int]] = {}
        for _, needed, about in self._open(cells, records):
            for name, target in needed.items():
                known = targets.get(name, (0, about))
                targets[name] = max(target, known[0]), min(about, known[1])
        for cell in cells:
            own = records[task.name, cell.variant.name]
            target, about = targets.get(cell.variant.name, (0, 1))
            if (task.name, cell.variant.name) in self.failed or any(record.failed for record in own):
                continue  # it is never compared
            have = {record.cell.seed for record in own}
            seconds = _seconds(task, own, [one for other in cells for one in records[task.name, other.variant.name]])
            for seed in range(max(target, LOOKS[0])):
                if seed not in have:
                    yield Wanted(replace(cell, seed=seed), about, seconds)

    def _open(
        self, cells: Sequence[Cell], records: Mapping[tuple[str, str], list[Record]]
    ) -> Iterator[tuple[EvaluationCard, dict[str, int], int]]:
        """Yield the columns of a task that are not settled, with the seeds that each variant needs, and about how many.

        Columns in which no variant beats the reference score tell nothing, and are left as they are.
        """
        task = cells[0].task
        card = self.run.store.card(TaskCard, task.name, task.tier.name) or task_card(task, None)
        own = {cell.variant.name: records[task.name, cell.variant.name] for cell in cells}
        per_row = {record.key: self._row_scores(record) for found in own.values() for record in found}
        for evaluation in card.evaluations:
            complete = {
                name: found
                for name, found in own.items()
                if found
                and (task.name, name) not in self.failed
                and all(_value(record, evaluation.column) is not None for record in found)
            }
            if evaluation.companion_of or len(complete) < 2:
                continue
            column = column_of(evaluation, complete, per_row)
            needed = needed_seeds(column)
            references = card.references(evaluation.column)
            halves = column.own_half_widths
            beaten = [
                not_beaten(mean, half if half == half else 0.0, references, evaluation.direction) is None
                for mean, half in zip(column.means, halves, strict=True)
            ]
            if needed and (min(column.seeds) < LOOKS[0] or any(beaten)):
                yield evaluation, needed, seeds_to_settle(column)

    def _row_scores(self, record: Record) -> RowScores:
        if record.row_scores is None:
            return RowScores()
        try:
            return RowScores.read(record.row_scores, self.run.store.folder)
        except UserError:
            return RowScores()

    def _records(self) -> dict[tuple[str, str], list[Record]]:
        """Return the final records of all seeds that may be run, by task and variant."""
        cells = [replace(cell, seed=seed) for own in self.cells.values() for cell in own for seed in range(LOOKS[-1])]
        known, found = self.run.store.by_key(), defaultdict(list)
        for keyed in replace(self.run, plan=Plan(tuple(cells))).keyed():
            record = known.get(keyed.key)
            if record is not None and record.is_final:
                found[keyed.cell.task.name, keyed.cell.variant.name].append(record)
        return found


def _value(record: Record, column: str) -> float | None:
    score = record.scores.get(column)
    return score.value if score and record.status == "ok" else None


def _seconds(task: PlannedTask, own: Sequence[Record], others: Sequence[Record]) -> float:
    """Return how long a cell is expected to take: as earlier ones of its variant, or of its task, or of its tier."""
    for records in (own, others):
        known = [record.cost.total_seconds for record in records if record.cost.total_seconds]
        if known:
            return median(known)
    return task.tier.aim_seconds
