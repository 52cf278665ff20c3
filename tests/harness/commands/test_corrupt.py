"""A corrupt record, card or report stops no command, and a corrupt record is not lost."""

import pytest
from archarena.harness.records.store import SET_ASIDE, ResultStore

CELL = ["--model", "good", "--task", "toy", "--tier", "smoke", "--device", "cpu", "--inline"]


@pytest.fixture
def damaged(call, plugins, tmp_path):
    """Return a results folder with a cut card and report, and two records of ``good``, the first of which is cut."""
    folder = tmp_path / "results"
    assert call("run", *plugins, *CELL, "--seeds", 2, "--results", folder)[0] == 0
    (folder / "bench").mkdir()
    (folder / "bench" / "bench-lengths-cpu.json").write_text("{")
    path, *_ = ResultStore(folder).record_files()
    for file in (path, folder / "cards" / "models" / "good.json", folder / "cards" / "tasks" / "toy-smoke.json"):
        file.write_text(file.read_text()[:100])
    return folder, path


def test_commands_leave_a_corrupt_record_out_and_a_run_sets_it_aside(call, plugins, damaged, tmp_path):
    results, path = damaged
    commands = (
        ["show", "good/toy/smoke/s1", "--results", results],
        ["rescore", "--results", results, *plugins],
        ["clean", "--results", results, "--yes"],
        ["board", results, "--output", tmp_path / "site"],
        ["run", *plugins, *CELL, "--seeds", 2, "--results", results, "--dry-run"],
    )
    for command in commands:
        code, _, err = call(*command)
        assert code == 0, command
        assert f"{path} cannot be read" in err or command[0] == "clean"
        if command[0] == "board":
            assert all(name in err for name in ("good.json", "toy-smoke.json", "bench-lengths-cpu.json"))
    artifacts = list((results / "predictions").iterdir())
    assert len(artifacts) == 2

    code, _, err = call("run", *plugins, *CELL, "--seeds", 2, "--results", results)
    assert code == 0
    assert "1 cell to run; 1 already has a record." in err
    assert len(list(ResultStore(results).read())) == 2
    (kept,) = (results / SET_ASIDE).glob("*/*")
    assert kept.stat().st_size == 100
    assert str(kept) in err
