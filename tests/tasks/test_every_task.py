"""Runs every registered task from its files to records: prepare, train, score.

`files` writes external data sets in their exact formats. Tasks take turns with the six core models at tier smoke; if a
model cannot have the body size of smoke there, the next one follows.
To run all six at a tier, with a line per cell:

``ARCHARENA_EVERY_TASK=quick pytest tests/tasks/test_every_task.py --numprocesses 0 -s``
"""

import math
import os
import time

import pytest
from archarena.harness import UserError
from archarena.harness.contract.registry import discover
from archarena.harness.data.hub import HUB_SWITCH
from archarena.harness.planning.plan import make_plan
from archarena.harness.records.store import ResultStore
from archarena.harness.running.executor import Inline
from archarena.harness.running.progress import Progress
from archarena.harness.running.run import Run
from archarena.harness.running.runner import Runner
from files import SETS

CORE = ("transformer", "mamba", "mlp", "finalmlp", "tcnca", "monet")
REGISTRY = discover()
TASKS = {name: number % len(CORE) for number, name in enumerate(REGISTRY.tasks)}
NEEDY = [name for name, entry in REGISTRY.tasks.items() if entry.declared.get("needs")]
CHOSEN = os.environ.get("ARCHARENA_EVERY_TASK")


class Printer(Progress):
    """Prints how each cell ended, and the seconds of a core that it took."""

    def started(self, name, folder):
        self.began = time.process_time()

    def recorded(self, record):
        cell, seconds = record.cell, time.process_time() - self.began
        scores = {column: score.value for column, score in record.scores.items()}
        print(f"\n{cell.model} on {cell.task} at {cell.tier}: {record.status}, {seconds:.1f} s, {scores}")


def write_sets(task, tier, folder, monkeypatch):
    """Write the data sets of a task, and pin their checksums."""
    folder.mkdir()
    for source in REGISTRY.find("task", task).load().data_sources:
        assert source.name in SETS, f"tests/tasks/files has no writer of '{source.name}', which {task} reads"
        for name, value in SETS[source.name].at(tier, folder).items():
            monkeypatch.setattr(source, name, value)


@pytest.mark.parametrize("task", TASKS)
def test_its_cells_are_ok_and_every_column_has_a_score(task, tmp_path, monkeypatch):
    monkeypatch.setenv("ARCHARENA_CACHE", str(tmp_path / "cache"))
    tier, data, turn = CHOSEN or "smoke", tmp_path / "data", TASKS[task]
    write_sets(task, tier, data, monkeypatch)
    for models in [CORE] if CHOSEN else ([model] for model in CORE[turn:] + CORE[:turn]):
        plan = make_plan(REGISTRY, models=models, tasks=[task], tier=tier, seeds=[0], data=data)
        run = Run(plan, ResultStore(tmp_path / "results"), data, "cpu")
        records = Runner(run, Inline(), Printer()).execute().records
        if not all("at most 5 % is allowed" in record.reason for record in records):
            break
    assert len(records) == len(models)
    for record in records:
        assert record.status == "ok", f"{record.cell.model}: {record.reason}\n{record.log_tail}"
        assert all(score.value is not None and math.isfinite(score.value) for score in record.scores.values())
        assert len(record.scores) == len(plan.cells[0].task.task.evaluations)


@pytest.mark.parametrize("task", NEEDY)
def test_absent_data_is_told_with_the_set_the_place_and_the_way(task, tmp_path, monkeypatch):
    monkeypatch.delenv(HUB_SWITCH, raising=False)
    first = REGISTRY.find("task", task).declared["needs"][0]
    with pytest.raises(UserError) as told:
        make_plan(REGISTRY, models=["mlp"], tasks=[task], tier="smoke", data=tmp_path)
    for part in (f"The data set '{first}'", "is missing", str(tmp_path), f"data import {first} PATH", "--data DIR"):
        assert part in str(told.value)
    assert list(tmp_path.iterdir()) == []
