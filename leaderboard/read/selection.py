"""Which records of the results folders a site shows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from ...harness.errors import UserError, unknown
from ...harness.records.record import Record
from .results import Results


@dataclass(frozen=True)
class Selection:
    """Names of models or variants, tasks, tiers and suites; an empty sequence selects all."""

    models: Sequence[str] = ()
    tasks: Sequence[str] = ()
    tiers: Sequence[str] = ()
    suites: Sequence[str] = ()

    def of(self, results: Results) -> Results:
        """Return the results with only the selected records.

        Raises
        ------
        UserError
            If a name is in no record, or no record has all that is asked for.
        """
        for kind, names, known in (
            ("model", self.models, {name for record in results.records for name in _models(record)}),
            ("task", self.tasks, {record.cell.task for record in results.records}),
            ("tier", self.tiers, {record.cell.tier for record in results.records}),
            ("suite", self.suites, {suite for record in results.records for suite in results.task(record).suites}),
        ):
            if strange := next((name for name in names if name not in known), None):
                raise unknown(kind, strange, sorted(known))
        chosen = tuple(record for record in results.records if self._has(record, results))
        if not chosen:
            raise UserError("No record has the chosen model, task, tier and suite.")
        return replace(results, records=chosen)

    def _has(self, record: Record, results: Results) -> bool:
        cell, suites = record.cell, set(results.task(record).suites)
        return (
            (not self.models or bool(_models(record) & set(self.models)))
            and (not self.tasks or cell.task in self.tasks)
            and (not self.tiers or cell.tier in self.tiers)
            and (not self.suites or bool(suites & set(self.suites)))
        )


def _models(record: Record) -> set[str]:
    return {record.cell.model, record.cell.variant}
