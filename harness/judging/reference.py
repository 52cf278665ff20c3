"""Whether a score beats the reference scores of its column."""

from __future__ import annotations

from collections.abc import Iterable

from ..contract.metrics import Direction, better, sign
from ..records.cards import ReferenceCard


def not_beaten(
    mean: float, half_width: float, references: Iterable[ReferenceCard], direction: Direction
) -> ReferenceCard | None:
    """Return the easiest chance or baseline score that the worse end of an interval does not beat, or None."""
    worse_end = mean - sign(direction) * half_width
    easy = [score for score in references if score.kind != "ceiling"]
    missed = [score for score in easy if not better(direction, worse_end, score.value)]
    return min(missed, key=lambda score: sign(direction) * score.value, default=None)
