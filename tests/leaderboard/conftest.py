"""Records and result folders, built with the real classes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from archarena.harness.records.cards import ModelCard, TaskCard
from archarena.harness.records.hashes import canonical_hash
from archarena.harness.records.record import AttemptInfo, CellInfo, Cost, CurvePoint, DataInfo, Record, Score, SizeInfo
from archarena.harness.records.store import ResultStore

REFERENCES = {
    "recall-mqar": [
        ("any value", 1 / 32, "chance"),
        ("value from the row", 0.25, "baseline"),
        ("ceiling", 1.0, "ceiling"),
    ],
    "lra-listops": [("chance", 0.1, "chance"), ("majority", 0.17, "baseline")],
    "math-lm": [("bigram", 3.9, "baseline")],
    "ctr-synthetic": [
        ("chance", 0.5, "chance"),
        ("logistic regression", 0.7012, "baseline"),
        ("oracle", 0.8123, "ceiling"),
    ],
}
METRICS = {
    "math-lm": ("bits_per_byte", "lower", "bits"),
    "ctr-synthetic": ("auc", "higher", ""),
}


def _make_record(
    variant: str = "mamba",
    task: str = "recall-mqar",
    seed: int = 0,
    value: float | dict[str, float | None] | None = 0.9,
    *,
    status: Any = "ok",
    **changes: Any,
) -> Record:
    """Return a record of one cell; `value` may be one score per column."""
    cell = {"variant": variant, "model": variant.split("[")[0], "task": task, "seed": seed}
    cell |= {"tier": "quick", "recipe": "common"} | changes.pop("cell", {})
    parts = {"model": variant, "device": "cpu: Test", "protocol": 1}
    parts |= {name: cell[name] for name in ("task", "tier", "recipe", "seed")} | changes.pop("parts", {})
    values = value if isinstance(value, dict) else {task: value}
    fields = {
        "key": canonical_hash(parts),
        "key_parts": parts,
        "cell": CellInfo(**cell),
        "status": status,
        "scores": {column: _score(column, found) for column, found in values.items()} if status == "ok" else {},
        "learning_rate": 3e-3 if status == "ok" else None,
        "attempts": [_attempt(1e-3, 140), _attempt(3e-3, 700), _attempt(1e-2, 140)] if status == "ok" else [],
        "size": SizeInfo(
            width=64,
            depth=2,
            target_parameters=64_000,
            body_parameters=63_312,
            total_parameters=70_000,
            deviation=-0.0108,
        ),
        "cost": Cost(
            train_seconds=12.5,
            total_seconds=19.0,
            samples_per_second=3600.0,
            step_ms={"p10": 15.1, "p50": 17.0, "p90": 20.2},
            peak_rss_bytes=410 * 2**20,
        ),
        "data": DataInfo(identity={"version": 1}, checksum=f"{task}-{seed}", rows={"train": 40_000, "test": 2_000}),
        "environment": {"device": "cpu: Test", "python": "3.12.4", "packages": {"torch": "2.13.0"}},
        "command": f"archarena run --model {variant} --task {task} --tier quick --seed {seed}",
        "started": f"2026-01-02T03:04:{seed:02d}+00:00",
    }
    return Record(**fields | changes)


def _score(column: str, value: float | None) -> Score:
    metric, direction, _ = METRICS.get(column, ("accuracy", "higher", "fraction"))
    return Score(metric=metric, direction=direction, value=value, rows=2000)


def _attempt(rate: float, steps: int) -> AttemptInfo:
    points = [
        CurvePoint(
            step=step,
            samples=64 * step,
            seconds=step / 60,
            train_loss=3.4 / (1 + step * rate),
            valid=1 - 0.97 / (1 + step * rate),
        )
        for step in range(70, steps + 1, 70)
    ]
    return AttemptInfo(learning_rate=rate, steps=steps, valid=points[-1].valid, curve=points)


def _task_card(task: str, columns: list[str], **changes: Any) -> dict[str, Any]:
    """Return a task card with one evaluation per column."""
    evaluations = []
    for column in columns:
        metric, direction, unit = METRICS.get(column, ("accuracy", "higher", "fraction"))
        evaluations.append(
            {"column": column, "metric": metric, "direction": direction, "unit": unit, "summary": f"Score of {column}."}
        )
    references = [
        {"column": column, "name": name, "value": value, "kind": kind, "summary": f"What {name} reaches."}
        for column in columns
        for name, value, kind in REFERENCES.get(column, [])
    ]
    return {
        "task": task,
        "tier": "quick",
        "summary": f"A task called {task}.",
        "suites": [task.split("-")[0], "quick"],
        "needs": [],
        "reduced": True,
        "evaluations": evaluations,
        "reference_scores": references,
        "spec": {},
        "rows": {"train": 40_000, "valid": 500, "test": 2_000},
    } | changes


def _model_card(name: str, **changes: Any) -> dict[str, Any]:
    """Return a model card."""
    return {"name": name, "summary": f"A model called {name}.", "paper": "", "family": "state space"} | changes


def _write_results(folder: Path, *records: Record, tasks: Any = None, models: Any = ()) -> Path:
    store = ResultStore(folder)
    for record in records:
        store.write(record)
    if tasks is None:
        tasks = [_task_card(task, [task]) for task in {record.cell.task for record in records}]
    for card in tasks:
        store.write_card(TaskCard.model_validate(card))
    for card in models:
        store.write_card(ModelCard.model_validate(card))
    return folder


@pytest.fixture(scope="session")
def write_results() -> Callable[..., Path]:
    """Return a function that writes records and cards to a folder."""
    return _write_results


@pytest.fixture
def results(tmp_path: Path) -> Callable[..., Path]:
    """Return a function that writes records and cards to a results folder of the test."""

    def write(*records: Record, name: str = "results", **cards: Any) -> Path:
        return _write_results(tmp_path / name, *records, **cards)

    return write


@pytest.fixture(scope="session")
def make_record() -> Callable[..., Record]:
    """Return a function that creates the record of one cell."""
    return _make_record


@pytest.fixture(scope="session")
def task_card() -> Callable[..., dict[str, Any]]:
    """Return a function that creates a task card."""
    return _task_card


@pytest.fixture(scope="session")
def model_card() -> Callable[..., dict[str, Any]]:
    """Return a function that creates a model card."""
    return _model_card
