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
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from ..line_process import LineProcess

OURS = "archarena"
WARM_UP = 1


@contextmanager
def started(
    script: Path, names: Sequence[str], peer_python: str, own_python: str, sizes: dict[str, int]
) -> Iterator[dict[str, Any]]:
    """Yield the process of each contestant, or the reason why it does not compete."""
    # The script's folder stays off the path: modules beside it must not stand in for installed packages.
    environment = {**os.environ, "PYTHONSAFEPATH": "1"}
    with ExitStack() as stack:
        field: dict[str, Any] = {}
        for name in names:
            command = [own_python if name == OURS else peer_python, str(script), name, json.dumps(sizes)]
            try:
                field[name] = LineProcess(command, environment)
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
                except ChildProcessError as reason:
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


def _round(contestant: LineProcess | str, row: dict[str, Any], taken: list[float]) -> None:
    if isinstance(contestant, str):
        raise ChildProcessError(contestant)
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
