"""A ranking as a dot plot: one line per row with its mean, interval and seeds, and the reference scores as lines."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ..charts.ticks import linear_scale, nice_ticks
from ..table.columns import CellView, ColumnView

WIDTH, HEIGHT, MARGIN = 420, 26, 8
LETTER = 6.2
"""Width of a letter of a label, in pixels."""


@dataclass(frozen=True)
class Dots:
    """One row, in pixels; `start` and `end` are the ends of the interval."""

    middle: float
    start: float
    end: float
    seeds: tuple[float, ...]


@dataclass(frozen=True)
class Mark:
    """A reference score; `line` is the number of the line of its label, and `anchor` how the label is aligned."""

    name: str
    kind: str
    x: float
    value: str
    line: int
    anchor: str


@dataclass(frozen=True)
class Forest:
    """The dot plot of a column; `rows` follow the given cells, with None for a cell without a score."""

    rows: tuple[Dots | None, ...]
    marks: tuple[Mark, ...]
    ticks: tuple[tuple[float, str], ...]
    width: int = WIDTH
    height: int = HEIGHT

    @property
    def lines(self) -> int:
        """Return the number of lines that the labels of the marks take."""
        return 1 + max((mark.line for mark in self.marks), default=-1)


def forest(column: ColumnView, cells: Sequence[CellView]) -> Forest | None:
    """Return the dot plot of cells of one column, or None if none has a score."""
    references = column.task.references(column.name)
    values = [score.value for score in references]
    for cell in cells:
        if cell.value is not None:
            spread = min(cell.spread or 0.0, abs(cell.value) + 1.0)
            values += [cell.value - spread, cell.value + spread]
    if all(cell.value is None for cell in cells):
        return None
    low, high = min(values), max(values)
    if column.evaluation.unit == "fraction":
        low, high = max(0.0, low), min(1.0, high)
    ticks = nice_ticks(low, high)
    to_x = linear_scale(ticks, MARGIN, WIDTH - MARGIN)

    def place(value: float) -> float:
        return min(WIDTH - 2.0, max(2.0, to_x(value)))

    rows = tuple(
        None
        if cell.value is None
        else Dots(
            place(cell.value),
            place(cell.value - (cell.spread or 0.0)),
            place(cell.value + (cell.spread or 0.0)),
            tuple(place(seed.value) for seed in cell.seeds if seed.value is not None),
        )
        for cell in cells
    )
    labels = [(score.name, score.kind, place(score.value), column.format(score.value)) for score in references]
    return Forest(rows, tuple(_marks(labels)), tuple((to_x(tick), column.format(tick)) for tick in ticks))


def _marks(labels: Sequence[tuple[str, str, float, str]]) -> list[Mark]:
    """Return the marks with labels that do not overlap, each on the first line with room."""
    taken: list[list[tuple[float, float]]] = []
    found = []
    for name, kind, x, value in sorted(labels, key=lambda label: label[2]):
        width = LETTER * (len(name) + len(value) + 1)
        anchor = "start" if x < width / 2 else "end" if x > WIDTH - width / 2 else "middle"
        left = x if anchor == "start" else x - width if anchor == "end" else x - width / 2
        line = next(
            (i for i, own in enumerate(taken) if all(left > end + 6 or left + width + 6 < start for start, end in own)),
            len(taken),
        )
        if line == len(taken):
            taken.append([])
        taken[line].append((left, left + width))
        found.append(Mark(name, kind, x, value, line, anchor))
    return found
