"""``archarena bench step``: a training step of a small mamba language model, against the packages one would take.

Each contestant is a process of its own, ours under this Python and the others under that of their environment, all
with the allocator and threads that this process was given. They step in turns, and the least time of each counts.
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
PEERS = ("transformers with mambapy", "mambapy", "transformers")
SIZES = {"vocabulary": 256, "width": 128, "layers": 2, "length": 512, "batch": 8}
WARM_UP = 1


class AbsentError(Exception):
    """A contestant that cannot start or go on, and why."""


class Stepper:
    """A contestant's process."""

    def __init__(self, name: str, python: str, sizes: dict[str, int]):
        script = Path(__file__).with_name("step_child.py")
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
def started(names: Sequence[str], peer_python: str, own_python: str, sizes: dict[str, int]) -> Iterator[dict[str, Any]]:
    """Yield each contestant's `Stepper`, or the reason why it does not compete."""
    with ExitStack() as stack:
        field: dict[str, Any] = {}
        for name in names:
            try:
                field[name] = Stepper(name, own_python if name == OURS else peer_python, sizes)
            except OSError as error:
                field[name] = f"{peer_python} cannot be run: {error.strerror}."
                continue
            stack.callback(field[name].end)
        yield field


def bench_step(
    peer_python: str,
    own_python: str,
    *,
    seconds: float,
    names: Sequence[str] = (OURS, *PEERS),
    sizes: dict[str, int] = SIZES,
) -> list[dict[str, Any]]:
    """Return a row for each contestant: its times, or why it has none.

    Parameters
    ----------
    peer_python, own_python
        The interpreters that have the peers, and archarena.
    seconds
        Each contestant steps until it has taken this long, once at the least after warming up.
    """
    with started(names, peer_python, own_python, sizes) as field:
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
            _summarise(rows[name], steps[WARM_UP:], sizes)
    return _compared(list(rows.values()))


def _round(stepper: Stepper | str, row: dict[str, Any], taken: list[float]) -> None:
    if isinstance(stepper, str):
        raise AbsentError(stepper)
    if "parameters" not in row:
        row.update(stepper.ask())
    answer = stepper.ask()
    row.setdefault("first_loss", answer["loss"])
    row["last_loss"] = answer["loss"]
    taken.append(answer["seconds"])


def _summarise(row: dict[str, Any], steps: list[float], sizes: dict[str, int]) -> None:
    tokens = sizes["batch"] * sizes["length"]
    row |= {"seconds": min(steps), "median_seconds": statistics.median(steps), "samples": len(steps)}
    row["tokens_per_second"] = tokens / min(steps)


def _compared(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    ours = next((row["seconds"] for row in rows if row["contestant"] == OURS and "seconds" in row), None)
    return [row | {"times_ours": row["seconds"] / ours} if ours and "seconds" in row else row for row in rows]
