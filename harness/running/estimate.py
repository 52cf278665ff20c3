"""An estimate of how long the trials of a run take."""

from __future__ import annotations

import statistics
from collections.abc import Iterable
from dataclasses import dataclass

from ..planning.cell import Keyed
from ..records.record import Record


@dataclass(frozen=True)
class TrialTime:
    """Seconds that trials take one after the other, and what this is based on."""

    seconds: float
    basis: str


def estimate(cells: Iterable[Keyed], records: Iterable[Record]) -> TrialTime:
    """TrialTime a cell's time by the median of the records of its task, tier and recipe, or by the tier's target time.

    Cells without a recipe take no time: they are skipped.
    """
    earlier: dict[tuple[str, str, str], list[float]] = {}
    for record in records:
        if record.cost.total_seconds:
            cell = record.cell
            earlier.setdefault((cell.task, cell.tier, cell.recipe), []).append(record.cost.total_seconds)
    seconds, guessed = 0.0, set()
    for cell in (keyed.cell for keyed in cells if keyed.cell.training is not None):
        known = earlier.get((cell.task.name, cell.task.tier.name, cell.recipe))
        seconds += statistics.median(known) if known else cell.task.tier.aim_seconds
        guessed |= set() if known else {cell.recipe}
    basis = "the tier's target time if there is no record" if guessed else "earlier records"
    if any(recipe.startswith("published") for recipe in guessed):
        basis += "; a published recipe may take many times longer"
    return TrialTime(seconds, basis)
