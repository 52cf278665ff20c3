"""``archarena bench step`` and ``epoch``: time training here and in packages that may be in another environment.

Each contestant is a separate process: ours uses this Python, the others that of their environment. All inherit this
process's allocator settings and number of threads. They train in turn, and the minimum time of each counts.

A contestant is ``contestants.py``, called with its name and sizes. It answers each line of its input with a line of
JSON: the first with the number of parameters, the others with ``seconds`` and scores after training once more.
"""

from __future__ import annotations

import json
import os
import statistics
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from ..processes.line_process import LineProcess

OURS = "archarena"
WARM_UP = 1

PEERS = {
    "step": ("transformers with mambapy", "mambapy", "transformers"),
    "epoch": ("fuxictr", "fuxictr, rows in the same process"),
}
SIZES = {
    "step": {"vocabulary": 256, "width": 128, "layers": 2, "length": 512, "batch": 8},
    "epoch": {"train": 49_064, "valid": 8_658, "batch": 1_024},
}


@contextmanager
def _started(bench: str, names: Sequence[str], sizes: dict[str, int], peer_python: str) -> Iterator[dict[str, Any]]:
    """Yield the process of each contestant, or the reason why it could not be started."""
    # Keeps the script's folder off the path, where its modules would shadow installed packages.
    environment = {**os.environ, "PYTHONSAFEPATH": "1"}
    script = str(Path(__file__).with_name("contestants.py"))
    with ExitStack() as stack:
        field: dict[str, Any] = {}
        for name in names:
            python = sys.executable if name == OURS else peer_python
            try:
                field[name] = LineProcess([python, script, bench, name, json.dumps(sizes)], environment)
            except OSError as error:
                field[name] = f"{peer_python} cannot be run: {error.strerror}."
                continue
            stack.callback(field[name].end)
        yield field


def contest(
    bench: str,
    peer_python: str,
    *,
    seconds: float,
    names: Sequence[str] | None = None,
    sizes: dict[str, int] | None = None,
) -> list[dict[str, Any]]:
    """Return a row per contestant: its times and scores, or the reason why it has none.

    Parameters
    ----------
    bench
        ``step``, a training step of a small mamba language model, or ``epoch``, an epoch of FinalMLP, as published for
        Frappe, with validation. The rows of ``epoch`` are random, with Frappe's fields and labels that depend on three
        of them. The content does not change the cost, and the scores show that all contestants learn equally well.
    peer_python
        The Python interpreter with the other packages.
    seconds
        Each contestant trains for this long, and at least once after the warm-up.
    names, sizes
        The contestants and sizes; by default archarena with `PEERS`, and `SIZES`.
    """
    names, sizes = names or (OURS, *PEERS[bench]), sizes or SIZES[bench]
    with _started(bench, names, sizes, peer_python) as field:
        rows: dict[str, dict[str, Any]] = {name: {"contestant": name} for name in names}
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
            if bench == "step":
                rows[name]["tokens_per_second"] = sizes["batch"] * sizes["length"] / rows[name]["seconds"]
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
