"""Timing our training against that of the packages one would take, each in its own environment.

Each contestant is a process of its own, ours under this Python and the others under that of their environment, all
with the allocator and threads that this process was given. They train in turns, and the least time of each counts.

A contestant is a script, called with a name and sizes as JSON, that answers each line of its input with one of JSON:
the first with the number of parameters, every other with ``seconds`` and the scores of what it just trained.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any

OURS = "archarena"
WARM_UP = 1


class AbsentError(Exception):
    """A contestant that cannot start or go on, and why."""


class Contestant:
    """A contestant's process."""

    def __init__(self, script: Path, name: str, python: str, sizes: dict[str, int]):
        command = [python, str(script), name, json.dumps(sizes)]
        # The script's folder stays off the path: modules beside it must not stand in for installed packages.
        environment = {**os.environ, "PYTHONSAFEPATH": "1"}
        self.errors = TemporaryFile("w+")  # noqa: SIM115 (closed with the process)
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.errors, text=True, env=environment
        )

    def ask(self) -> dict[str, Any]:
        """Send a line and return the answer.

        Raises
        ------
        AbsentError
            Where the process has ended, with its last words.
        """
        process = self.process
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            process.stdin.write("\n")
            process.stdin.flush()
            line = process.stdout.readline()
        except BrokenPipeError:
            line = ""
        if not line:
            code = process.wait()
            self.errors.seek(0)
            last = self.errors.read().strip().splitlines()
            raise AbsentError(last[-1] if last else f"It ended with exit code {code}.")
        return json.loads(line)

    def end(self) -> None:
        """Kill the process and wait for its end."""
        self.process.kill()
        self.process.communicate()
        self.errors.close()


@contextmanager
def started(
    script: Path, names: Sequence[str], peer_python: str, own_python: str, sizes: dict[str, int]
) -> Iterator[dict[str, Any]]:
    """Yield each `Contestant`, or the reason why it does not compete."""
    with ExitStack() as stack:
        field: dict[str, Any] = {}
        for name in names:
            try:
                field[name] = Contestant(script, name, own_python if name == OURS else peer_python, sizes)
            except OSError as error:
                field[name] = f"{peer_python} cannot be run: {error.strerror}."
                continue
            stack.callback(field[name].end)
        yield field


def contest(
    script: Path,
    names: Sequence[str],
    sizes: dict[str, int],
    *,
    peer_python: str,
    own_python: str,
    seconds: float,
) -> list[dict[str, Any]]:
    """Return a row for each contestant: its times and scores, or why it has none.

    Parameters
    ----------
    script
        What every contestant runs.
    peer_python, own_python
        The interpreters that have the peers, and archarena.
    seconds
        Each contestant trains until it has taken this long, once at the least after warming up.
    """
    with started(script, names, peer_python, own_python, sizes) as field:
        rows = {name: {"contestant": name} for name in names}
        taken: dict[str, list[float]] = {name: [] for name in names}
        waiting = list(names)
        while waiting:
            for name in list(waiting):
                try:
                    _round(field[name], rows[name], taken[name])
                except AbsentError as reason:
                    rows[name] = {"contestant": name, "problem": str(reason)}
                    taken[name].clear()
                    waiting.remove(name)
                    continue
                if len(taken[name]) > WARM_UP and sum(taken[name]) > seconds:
                    waiting.remove(name)
    for name, steps in taken.items():
        if steps:
            _summarise(rows[name], steps[WARM_UP:])
    return _compared(list(rows.values()))


def _round(contestant: Contestant | str, row: dict[str, Any], taken: list[float]) -> None:
    if isinstance(contestant, str):
        raise AbsentError(contestant)
    if "parameters" not in row:
        row.update(contestant.ask())
    answer = contestant.ask()
    taken.append(answer.pop("seconds"))
    for score, value in answer.items():
        row.setdefault(f"first_{score}", value)
        row[f"last_{score}"] = value


def _summarise(row: dict[str, Any], steps: list[float]) -> None:
    row |= {"seconds": min(steps), "median_seconds": statistics.median(steps), "samples": len(steps)}


def _compared(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    ours = next((row["seconds"] for row in rows if row["contestant"] == OURS and "seconds" in row), None)
    return [row | {"times_ours": row["seconds"] / ours} if ours and "seconds" in row else row for row in rows]
