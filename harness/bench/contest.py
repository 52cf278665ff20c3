"""Times training in archarena and in other packages, which may be installed in another environment.

Each contestant is a separate process: ours uses this Python, the others that of their environment. All inherit this
process's allocator settings and number of threads. They train in turns, and the minimum time of each counts.

A contestant is a script that is called with a name and with sizes as JSON. It answers each line of its input with a
line of JSON: the first with the number of parameters, the others with ``seconds`` and scores after training once more.
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
    """Yield the process of each contestant, or the reason why it could not be started."""
    # Keeps the script's folder off the path, where its modules would shadow installed packages.
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
    """Return a row per contestant: its times and scores, or the reason why it has none.

    Parameters
    ----------
    script
        The script that every contestant runs.
    peer_python, own_python
        The Python interpreters with the other packages, and with archarena.
    seconds
        Each contestant trains for this long, and at least once after the warm-up.
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
            _summarize(rows[name], steps[WARM_UP:])
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


def _summarize(row: dict[str, Any], steps: list[float]) -> None:
    row |= {"seconds": min(steps), "median_seconds": statistics.median(steps), "samples": len(steps)}


def _compared(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    ours = next((row["seconds"] for row in rows if row["contestant"] == OURS and "seconds" in row), None)
    return [row | {"times_ours": row["seconds"] / ours} if ours and "seconds" in row else row for row in rows]
