"""Live progress of a run: one line per finished cell, and a status line if the output is a terminal."""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

from rich.console import Console
from rich.live import Live
from rich.text import Text

from ..planning.cell import cell_name
from ..planning.job import PROGRESS
from ..records.meta import TrialProgress
from ..records.record import Record
from .runner import Watcher

_REDRAW_SECONDS = 0.25


class Progress(Watcher):
    """Prints the cells that are done, running and failed, and the time left, to standard error.

    Use it as a context manager, which restores the terminal on exit.
    """

    def __init__(self, console: Console | None = None):
        self.console = console or Console(stderr=True, highlight=False, soft_wrap=True)
        self.total = self.done = self.failed = 0
        self.running: dict[str, Path] = {}
        self.began = self.drawn = time.monotonic()
        self._stack = ExitStack()
        self._live: Live | None = None

    def __enter__(self) -> Progress:
        if self.console.is_terminal:
            live = Live(console=self.console, auto_refresh=False, transient=True)
            self._live = self._stack.enter_context(live)
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def begin(self, total: int, kept: int, notes: Sequence[str]) -> None:
        """Print the number of cells to run and the notes on what was left out."""
        for note in notes:
            self._print(note, "yellow")
        there = f"; {kept} already have a record" if kept else ""
        self._print(f"{total} {'cell' if total == 1 else 'cells'} to run{there}.")
        self.total = total

    def preparing(self, name: str) -> None:
        """Print that a task's arrays are being prepared."""
        self._print(f"preparing {name}", "dim")

    def started(self, name: str, folder: Path) -> None:
        """Add a running cell; the time estimate starts with the first one."""
        if not self.done and not self.running:
            self.began = time.monotonic()
        self.running[name] = folder

    def ended(self, record: Record) -> None:
        """Print a cell's status and score."""
        cell = record.cell
        self.running.pop(cell_name(cell.variant, cell.task, cell.tier, cell.recipe, cell.seed), None)
        self.done += 1
        self.failed += record.failed
        values = {column: score.value for column, score in record.scores.items() if score.value is not None}
        scores = ", ".join(f"{column} {value:.4g}" for column, value in values.items())
        seconds = record.cost.total_seconds
        details = [scores or record.reason, f"{seconds:.1f} s" if seconds else "", self._left()]
        count = f"[{self.done:>{len(str(self.total))}}/{self.total}]"
        line = f"{count} {record.status:<8} {cell.variant} on {cell.task} s{cell.seed}: "
        self._print(line + "; ".join(filter(None, details)), "red" if record.failed else None)

    def tick(self) -> None:
        """Redraw the status line, a few times per second."""
        if self._live and time.monotonic() - self.drawn > _REDRAW_SECONDS:
            self.drawn = time.monotonic()
            self._live.update(Text(self._status()), refresh=True)

    def _status(self) -> str:
        names = ", ".join(f"{name} {_fraction(folder):.0%}" for name, folder in self.running.items())
        parts = [
            f"{self.done} of {self.total} done",
            f"{len(self.running)} running",
            f"{self.failed} failed",
            self._left(),
        ]
        return " · ".join(filter(None, parts)) + (f" · {names}" if names else "")

    def _left(self) -> str:
        """Return the estimated time left, assuming that cells take as long as the mean so far."""
        finished = self.done + sum(_fraction(folder) for folder in self.running.values())
        if not finished or self.done == self.total:
            return ""
        left = (time.monotonic() - self.began) / finished * (self.total - finished)
        return f"about {span(left)} left"

    def _print(self, text: str, style: str | None = None) -> None:
        (self._live.console if self._live else self.console).print(Text(text, style or ""))


def span(seconds: float) -> str:
    """Return a duration as ``45 s``, ``12 min`` or ``3.4 h``."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


def _fraction(folder: Path) -> float:
    try:
        return TrialProgress.model_validate_json((folder / PROGRESS).read_bytes()).fraction
    except (OSError, ValueError):
        return 0.0
