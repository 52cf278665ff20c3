"""``archarena bench harness``: where the seconds of cells go besides training.

Cells run one after the other, as in ``archarena run``. The process of a trial measures its own phases; what is left of
its time is the start of the process with its imports, its end, and the time until this process notices.
"""

from __future__ import annotations

import time
from collections.abc import Generator, Iterable, Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from ..contract.registry import discover
from ..planning.plan import make_plan
from ..records.record import Record
from ..records.store import ResultStore
from ..running.executor import Ended, Event, Local, Request, Started
from ..running.run import Run
from ..running.runner import Runner
from . import empty

MODELS = ("mlp", "mamba")
TASKS = ("digits", "recall-induction", "ctr-synthetic")

PHASES = {
    "process": "start of the process with its imports, and its end",
    "set up": "verifying arrays, finding the width and building, until the first step",
    "train": "optimizer steps of all learning rates, with checkpoints",
    "validate": "validation passes",
    "predict": "predictions for the test rows",
    "measure": "inference time, operations and memory",
    "score": "verifying arrays, scoring and recording, in the parent process",
}


class _Timed(Local):
    """Notes when each trial has started and ended."""

    def __init__(self) -> None:
        super().__init__(1)
        self.started: list[float] = []
        self.ended: list[float] = []

    def run(self, requests: Iterable[Request]) -> Generator[Event]:
        for event in super().run(requests):
            if isinstance(event, Started):
                self.started.append(time.perf_counter())
            elif isinstance(event, Ended):
                self.ended.append(time.perf_counter())
            yield event


def bench_harness(
    models: Sequence[str], tasks: Sequence[str], tier: str, data: Path, device: str
) -> Iterator[dict[str, Any]]:
    """Yield a row per cell, beginning with the empty one: its seconds, and those of each of `PHASES`."""
    with TemporaryDirectory(prefix="archarena-") as place:
        folder = Path(place)
        plugin = folder / "empty_plugin.py"
        plugin.write_text(empty.PLUGIN)
        _cell(empty.MODEL, empty.TASK, "smoke", folder / "warm", data, device, plugin)  # starts the server
        yield _cell(empty.MODEL, empty.TASK, "smoke", folder / "empty", data, device, plugin)
        for task in tasks:
            for model in models:
                yield _cell(model, task, tier, folder / "cells", data, device)


def _cell(model: str, task: str, tier: str, results: Path, data: Path, device: str, *plugins: Path) -> dict[str, Any]:
    plan = make_plan(discover(plugins), models=[model], tasks=[task], tier=tier, seeds=[0], data=data)
    executor = _Timed()
    runner = Runner(Run(plan, ResultStore(results), data, device, plugins), executor)
    (record,) = runner.execute().records
    recorded = time.perf_counter()
    started, ended = executor.started[-1], executor.ended[-1]
    return _row(record, ended - started, recorded - ended)


def _row(record: Record, trial: float, score: float) -> dict[str, Any]:
    phases = record.cost.phases
    seconds = {"process": trial - sum(phases.values()), **phases, "score": score}
    return {
        "cell": f"{record.cell.variant} on {record.cell.task}",
        "tier": record.cell.tier,
        "seconds": trial + score,
        "phases": {name: seconds.get(name, 0.0) for name in PHASES},
        **({} if record.status == "ok" else {"problem": record.reason}),
    }


def overhead(rows: Sequence[dict[str, Any]]) -> float:
    """Return the share of the cells' seconds that is not training."""
    total = sum(row["seconds"] for row in rows)
    return 1 - sum(row["phases"]["train"] for row in rows) / total if total else 0.0
