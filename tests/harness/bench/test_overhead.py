"""The seconds of a cell are those of its phases."""

import pytest
from archarena.harness.bench.overhead import PHASES, bench_harness, overhead
from archarena.harness.bench.report import harness_table
from rich.console import Console


def test_the_phases_of_the_empty_cell_add_up_to_its_seconds(tmp_path, capsys):
    (row,) = bench_harness([], [], "smoke", tmp_path, "cpu")
    assert "problem" not in row
    assert sum(row["phases"].values()) == pytest.approx(row["seconds"])
    assert all(row["phases"][name] > 0 for name in PHASES)
    harness_table(Console(width=120), [row])
    printed = capsys.readouterr().out
    assert "empty on empty-task" in printed
    assert f"{overhead([row]):.1%}" in printed


def test_overhead_is_what_is_not_training():
    phases = dict.fromkeys(PHASES, 1.0)
    rows = [{"seconds": 7.0, "phases": phases}, {"seconds": 13.0, "phases": phases | {"train": 7.0}}]
    assert overhead(rows) == pytest.approx(12 / 20)
