"""Normalized scores of a column: 0 at its reference score, 1 at its ceiling. Cells are shaded by them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from .columns import CellView, ColumnView

LEVELS = 8
"""Number of shades above the reference score."""


@dataclass(frozen=True)
class Scale:
    """The scores that count as 0 and 1, with their names."""

    low: float
    high: float
    low_name: str
    high_name: str

    def __call__(self, value: float) -> float:
        """Return the normalized score, which may be below 0 or above 1."""
        return (value - self.low) / (self.high - self.low)


@dataclass(frozen=True)
class Shade:
    """How a cell looks; places are percentages of the column's scale, within 0 and 100.

    Attributes
    ----------
    level
        0 at or below the reference score, up to `LEVELS` at the ceiling.
    start, end
        Ends of the interval; equal to `middle` for a single seed.
    """

    level: int
    start: int
    middle: int
    end: int


def column_scale(column: ColumnView) -> Scale | None:
    """Return the scale of a column, or None if it has no reference score or nothing is better than it.

    The scale starts at chance, or else at the easiest baseline. It ends at the ceiling; if that is unknown, at a
    perfect fraction or at the best mean.
    """
    if column.is_average:
        return Scale(0.0, 1.0, "chance", "ceiling")
    easy = column.references("chance") or column.references("baseline")
    means = [cell.value for cell in column.cells.values() if cell.value is not None]
    if not easy or not means:
        return None
    low = min(easy, key=lambda score: column.sign * score.value)
    high, name = _high(column, means)
    return Scale(low.value, high, low.name, name) if column.sign * (high - low.value) > 0 else None


def _high(column: ColumnView, means: Sequence[float]) -> tuple[float, str]:
    for score in column.references("ceiling"):
        return score.value, score.name
    if column.evaluation.unit == "fraction":
        return (1.0 if column.sign > 0 else 0.0), "a perfect score"
    return max(means, key=lambda value: column.sign * value), "the best mean"


def shade(cell: CellView, scale: Scale | None) -> Shade | None:
    """Return how a cell looks, or None if it has no mean or its column no scale."""
    if scale is None or cell.value is None:
        return None
    middle, half = scale(cell.value), abs(scale(scale.low + (cell.spread or 0.0)))
    level = min(LEVELS, max(0, 1 + int(middle * LEVELS))) if middle > 0 else 0
    return Shade(level, _percent(middle - half), _percent(middle), _percent(middle + half))


def _percent(place: float) -> int:
    return round(100 * min(1.0, max(0.0, place)))
