"""Measures how long a board takes to build, depending on the number of records.

``ARCHARENA_BENCH_RECORDS=2500,5000,10000 pytest tests/benchmarks/test_board.py --numprocesses 0`` times
large boards. The time per record should not grow.
"""

import json
import os
import shutil
from pathlib import Path

import numpy as np
import pytest
from archarena.harness.records.hashes import canonical_hash
from archarena.harness.records.record import SCHEMA
from archarena.harness.records.row_scores import RowScores
from archarena.harness.records.store import ResultStore, read_record
from archarena.leaderboard.build import build_board

SIZES = [int(size) for size in os.environ.get("ARCHARENA_BENCH_RECORDS", "100,400").split(",")]
KEPT = Path(__file__).parents[2] / "leaderboard" / "records" / "quick-cpu-3-seeds"
SEEDS = 5
ROWS = 1000
"""Test rows of each record."""


def many_records(folder, count):
    """Write `count` records of 20 models, copied from a real one; more records have more tasks."""
    shutil.copytree(KEPT / "cards", folder / "cards")
    (source,) = (KEPT / "records" / "recall-mqar").glob("mamba-s0-*.json")
    template = read_record(source).model_dump(mode="json", by_alias=True)
    for number in range(count):
        seed, model, task = number % SEEDS, number // SEEDS % 20, number // SEEDS // 20
        record = json.loads(json.dumps(template))
        record["cell"] |= {"variant": f"model-{model}", "model": f"model-{model}", "task": f"task-{task}", "seed": seed}
        record["scores"] = {f"task-{task}": template["scores"]["recall-mqar"] | {"value": number * 7919 % 1000 / 1000}}
        record["key_parts"] |= {"model": f"model-{model}", "task": f"task-{task}", "seed": seed}
        record["key"] = canonical_hash(record["key_parts"])
        rows = (np.random.default_rng(number).random(ROWS) < number * 7919 % 1000 / 1000).astype(float)
        kept = RowScores.of({f"task-{task}": rows}).write(folder, record["key"])
        record |= {"schema": SCHEMA, "row_scores": kept.model_dump(mode="json"), "checksum": None}
        record["checksum"] = canonical_hash({name: value for name, value in record.items() if name != "checksum"})
        path = folder / "records" / f"task-{task}" / f"model-{model}-s{seed}-{number}.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(record))
    assert len(ResultStore(folder).record_files()) == count


@pytest.mark.parametrize("count", SIZES)
def test_build(benchmark, tmp_path, count):
    many_records(tmp_path / "results", count)
    summary = benchmark.pedantic(build_board, ([tmp_path / "results"], tmp_path / "site"), rounds=1)
    benchmark.extra_info["records"] = count
    assert summary.cells == count
