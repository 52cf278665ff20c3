"""What a run prints: one line per finished cell, and bars on a terminal only."""

from io import StringIO

import pytest
from archarena.harness.records.record import CellInfo, Cost, DataInfo, Record, Score
from archarena.harness.running.progress import Progress, span
from rich.console import Console


def record(model, status="ok", **changes):
    cell = CellInfo(variant=model, model=model, task="toy", tier="smoke", recipe="common", seed=0)
    return Record(key="ab" * 32, key_parts={}, cell=cell, status=status, data=DataInfo(identity={}), **changes)


def test_each_cell_ends_with_a_line_of_its_score_time_and_the_time_left(tmp_path):
    console = Console(file=StringIO(), width=200)
    with Progress(console) as progress:
        progress.begin(2, 1, ["Left out text: no data."])
        progress.preparing("toy s0")
        progress.started("mlp/toy/smoke/s0", tmp_path)
        score = Score(metric="accuracy", direction="higher", value=0.51234, rows=50)
        progress.recorded(record("mlp", scores={"toy": score}, cost=Cost(total_seconds=2.0)))
        progress.recorded(record("gla", "crashed", reason="ValueError: x"))
    first, *lines, fourth, fifth = console.file.getvalue().splitlines()
    assert first == "Left out text: no data."
    assert lines == ["2 cells to run; 1 already has a record.", "preparing toy s0"]
    assert fourth.startswith("[1/2] ok       mlp on toy s0: toy 0.5123; 2.0 s; about 0 s left")
    assert fifth == "[2/2] crashed  gla on toy s0: ValueError: x"
    assert progress.failed == 1


def test_a_terminal_shows_the_fraction_that_each_running_cell_reports(tmp_path, monkeypatch):
    console = Console(file=StringIO(), width=120, force_terminal=True)
    monkeypatch.setattr("archarena.harness.running.progress.UPDATE_SECONDS", 0)
    with Progress(console) as progress:
        progress.begin(2, 0, [])
        progress.started("mlp/toy/smoke/s0", tmp_path)
        (tmp_path / "progress.json").write_text('{"fraction": 0.25, "seconds": 1.0}')
        progress.tick()
    text = console.file.getvalue()
    assert "mlp/toy/smoke/s0" in text
    assert "25%" in text
    assert "0 of 2 cells · 0 failed · about" in text


def test_what_an_earlier_run_did_of_a_cell_does_not_shorten_the_time_left(tmp_path, monkeypatch):
    (tmp_path / "progress.json").write_text('{"fraction": 0.9, "seconds": 100.0}')
    progress = Progress(Console(file=StringIO()))
    progress.begin(2, 0, [])
    progress.started("mlp/toy/smoke/s0", tmp_path)
    (tmp_path / "progress.json").write_text('{"fraction": 0.95, "seconds": 110.0}')
    progress.began = 0.0
    monkeypatch.setattr("archarena.harness.running.progress.time.monotonic", lambda: 10.0)
    # 5 % of a cell took 10 s, and 105 % of a cell are left.
    assert progress._left(0.95) == "about 4 min left"


@pytest.mark.parametrize(("seconds", "text"), [(45, "45 s"), (720, "12 min"), (12_240, "3.4 h")])
def test_a_duration_has_a_readable_unit(seconds, text):
    assert span(seconds) == text
