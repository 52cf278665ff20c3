"""A compact table of the scores so far, for the terminal: a row per variant, a column per task."""

from __future__ import annotations

from collections.abc import Iterable
from statistics import fmean

from rich.table import Table
from rich.text import Text

from ..records.record import Record
from ..text import shortened, visible

MOST_ROWS, MOST_TASKS = 12, 8
LONGEST = 22
"""Characters of a name; longer ones are cut."""


class ScoresSoFar:
    """Collects records. Each cell is the mean over seeds of the first score of a task, or a status."""

    def __init__(self) -> None:
        self.cells: dict[tuple[str, str], list[Record]] = {}

    def add(self, record: Record) -> None:
        self.cells.setdefault((record.cell.variant, record.cell.task), []).append(record)

    def render(self) -> Table:
        """Return the table of the latest tasks and variants."""
        tasks = _latest((task for _, task in self.cells), MOST_TASKS)
        table = Table(box=None, pad_edge=False, header_style="dim")
        table.add_column("")
        for task in tasks:
            table.add_column(Text(_short(task)), justify="right")
        for variant in _latest((variant for variant, _ in self.cells), MOST_ROWS):
            table.add_row(Text(_short(variant)), *(_cell(self.cells.get((variant, task), [])) for task in tasks))
        return table


def _latest(names: Iterable[str], most: int) -> list[str]:
    return list(dict.fromkeys(names))[-most:]


def _short(name: str) -> str:
    return shortened(visible(name), LONGEST)


def _cell(records: list[Record]) -> Text:
    firsts = [next(iter(record.scores.values())).value for record in records if record.scores]
    values = [value for value in firsts if value is not None]
    if values:
        return Text(f"{fmean(values):.3f}")
    return Text(records[-1].status if records else "", style="red" if records and records[-1].failed else "dim")
