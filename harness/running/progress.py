"""Live progress of a run: one line per finished cell, and a status line if the output is a terminal."""

from __future__ import annotations

import importlib.util
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console, RenderableType
from rich.markup import escape
from rich.progress import BarColumn, ProgressColumn, TaskID, TaskProgressColumn
from rich.progress import Progress as Bars
from rich.text import Text

from ..errors import UserError
from ..files import read_regular
from ..planning.find import name_of
from ..planning.job import PROGRESS
from ..records.meta import TrialProgress
from ..records.record import Record
from ..text import visible
from .score_table import ScoresSoFar

UPDATE_SECONDS = 0.25


class _Bars(Bars):
    """Progress bars below the table of the scores so far."""

    def __init__(self, scores: ScoresSoFar, *columns: str | ProgressColumn, **options: Any):
        self._scores = scores
        super().__init__(*columns, **options)

    def get_renderables(self) -> Iterator[RenderableType]:
        if self._scores.cells:
            yield self._scores.render()
        yield from super().get_renderables()


class Progress:
    """Prints the cells that are done, running and failed, and the time left, to standard error.

    Use it as a context manager, which restores the terminal on exit.
    """

    def __init__(self, console: Console | None = None, *, quiet: bool = False):
        self.console = console or Console(stderr=True, highlight=False, soft_wrap=True, quiet=quiet)
        self.total = self.done = self.failed = 0
        self.running: dict[str, tuple[TaskID, Path]] = {}
        self.earlier: dict[str, float] = {}
        self.began = self.updated = time.monotonic()
        self.scores = ScoresSoFar()
        self._bars = _Bars(
            self.scores, "{task.description}", BarColumn(), TaskProgressColumn(), console=self.console, transient=True
        )
        self._bars.disable = not self.console.is_terminal or _is_bare_notebook(self.console)
        self._cells = self._bars.add_task("", total=None)

    @classmethod
    def if_watched(cls) -> Progress:
        """Return a progress that prints only in a terminal or a notebook."""
        found = cls()
        return found if found.console.is_terminal else cls(quiet=True)

    def __enter__(self) -> Progress:
        self._bars.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bars.stop()

    def begin(self, total: int, kept: int, notes: Sequence[str]) -> None:
        """Print the number of cells to run and the notes on what was left out."""
        for note in notes:
            self._print(note, "yellow")
        there = f"; {kept} already {'has' if kept == 1 else 'have'} a record" if kept else ""
        self._print(f"{total} {'cell' if total == 1 else 'cells'} to run{there}.")
        self.total = total

    def preparing(self, name: str) -> None:
        """Print that a task's arrays are being prepared."""
        self._print(f"preparing {name}", "dim")

    def damaged(self, name: str) -> None:
        """Print that a task's arrays have changed on disk."""
        self._print(f"The prepared arrays of {name} have changed on disk; they are prepared again.", "yellow")

    def started(self, name: str, folder: Path) -> None:
        """Add a running cell, which reports its progress in `folder`; the time estimate starts with the first one."""
        if not self.done and not self.running:
            self.began = time.monotonic()
        self.running[name] = self._bars.add_task(escape(visible(name)), total=1.0), folder
        self.earlier[name] = _fraction(folder)

    def recorded(self, record: Record) -> None:
        """Print a cell's status and score, and the time left."""
        if bar := self.running.pop(name_of(record), None):
            self._bars.remove_task(bar[0])
        cell = record.cell
        self.scores.add(record)
        self.done += 1
        self.failed += record.failed
        values = {column: score.value for column, score in record.scores.items() if score.value is not None}
        scores = ", ".join(f"{column} {value:.4g}" for column, value in values.items())
        seconds = record.cost.total_seconds
        finished = self.done + sum(_fraction(folder) for _, folder in self.running.values())
        details = [scores or record.reason, f"{seconds:.1f} s" if seconds else "", self._left(finished)]
        count = f"[{self.done:>{len(str(self.total))}}/{self.total}]"
        line = f"{count} {record.status:<8} {cell.variant} on {cell.task} s{cell.seed}: "
        self._print(line + "; ".join(filter(None, details)), "red" if record.failed else None)

    def tick(self) -> None:
        """Update the bars, a few times per second."""
        if self._bars.disable or time.monotonic() - self.updated < UPDATE_SECONDS:
            return
        self.updated = time.monotonic()
        finished = float(self.done)
        for bar, folder in self.running.values():
            fraction = _fraction(folder)
            finished += fraction
            self._bars.update(bar, completed=fraction)
        parts = [f"{self.done} of {self.total} cells", f"{self.failed} failed", self._left(finished)]
        text = " · ".join(filter(None, parts))
        self._bars.update(self._cells, description=text, total=self.total, completed=finished)

    def _left(self, finished: float) -> str:
        """Return the estimated time left, assuming that cells take as long as the mean so far.

        What an earlier run has done of cells that this run resumed does not count as fast work of this run.
        """
        worked = finished - sum(self.earlier.values())
        if worked <= 0 or self.done == self.total:
            return ""
        left = (time.monotonic() - self.began) / worked * (self.total - finished)
        return f"about {span(left)} left"

    def _print(self, text: str, style: str | None = None) -> None:
        self._bars.console.print(Text(visible(text), style or ""))


def span(seconds: float) -> str:
    """Return a duration as ``45 s``, ``12 min`` or ``3.4 h``."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


def _fraction(folder: Path) -> float:
    try:
        return TrialProgress.model_validate_json(read_regular(folder / PROGRESS, 10_000)).fraction
    except (UserError, ValueError):
        return 0.0


def _is_bare_notebook(console: Console) -> bool:
    """Return whether this is a notebook without ipywidgets, in which bars cannot be drawn; lines can."""
    return console.is_jupyter and importlib.util.find_spec("ipywidgets") is None
