"""Grade many answers in persistent worker processes, with a time limit per comparison.

The workers are plain child processes. The pools of `concurrent.futures` cannot end a comparison that takes too long,
and pebble's import the user's script again in each worker, which fails if the script has no ``__main__`` guard.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from types import TracebackType

from ...harness import UserError
from ...harness.processes.line_process import LineProcess
from .strict import strictly_equal

SECONDS = 5.0
"""Time limit per comparison, excluding library loading, which happens once per process."""

_LOADING_SECONDS = 120.0

_LOADING_PAIR = [r"(-\infty,1)", "x<2"]
"""A pair that only Math-Verify decides, so comparing it loads everything."""


@dataclass(frozen=True)
class Grade:
    """The grade of one answer.

    Attributes
    ----------
    equal
        Whether it is mathematically equivalent to the correct answer.
    strict
        Whether it is equal under MATH's published string comparison.
    layer
        The deciding layer (see `archarena.tasks.grading.equivalence`); "timeout" and "failed" count
        as not equal.
    """

    equal: bool
    strict: bool
    layer: str


class Grader:
    """Worker processes that compare answers; use it in a ``with`` statement.

    Parameters
    ----------
    processes
        Number of processes; None uses one per core, at most 8.
    seconds
        Time limit per comparison; a process that exceeds it is replaced.
    """

    def __init__(self, processes: int | None = None, seconds: float = SECONDS):
        self.seconds = seconds
        self._workers = [_Worker() for _ in range(processes or min(8, os.cpu_count() or 1))]

    def __enter__(self) -> Grader:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for worker in self._workers:
            worker.end()

    def grade(self, pairs: Iterable[tuple[str, str | None]]) -> list[Grade]:
        """Return a grade for each (correct answer, given answer); None (no answer) is never correct.

        Equal pairs are compared once.
        """
        pairs = list(pairs)
        asked = list(dict.fromkeys((gold, answer) for gold, answer in pairs if answer is not None))
        shares = [asked[index :: len(self._workers)] for index in range(len(self._workers))]
        with ThreadPoolExecutor(len(self._workers)) as threads:
            answered = threads.map(self._grade_share, self._workers, shares)
            found = {pair: grade for share in answered for pair, grade in share}
        return [_NO_ANSWER if answer is None else found[gold, answer] for gold, answer in pairs]

    def _grade_share(self, worker: _Worker, share: Sequence[tuple[str, str]]) -> list[tuple[tuple[str, str], Grade]]:
        return [(pair, worker.compare(*pair, self.seconds)) for pair in share]


_NO_ANSWER = Grade(equal=False, strict=False, layer="none")


class _Worker:
    """A process that runs `archarena.tasks.grading.worker`, started at its first comparison.

    A pool of `multiprocessing` processes would run the user's script again in each process, unless it is guarded.
    """

    def __init__(self) -> None:
        self.process: LineProcess | None = None

    def compare(self, gold: str, answer: str, seconds: float) -> Grade:
        if self.process is None:
            self.process = LineProcess([sys.executable, "-m", "archarena.tasks.grading.worker"])
            try:
                self.process.ask(_LOADING_PAIR, _LOADING_SECONDS)
            except OSError as error:
                raise UserError(f"The process that compares answers did not start: {error}") from error
        try:
            return Grade(*self.process.ask([gold, answer], seconds))
        except TimeoutError:
            layer = "timeout"
        except (ValueError, OSError):
            layer = "failed"
        self.end()
        return Grade(equal=False, strict=strictly_equal(gold, answer), layer=layer)

    def end(self) -> None:
        """End the process; the next comparison starts a new one."""
        if self.process is not None:
            self.process.end()
        self.process = None
