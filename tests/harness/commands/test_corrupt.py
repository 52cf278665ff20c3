"""One corrupt record stops no command and is not lost."""

import pytest
from archarena.harness.records.store import SET_ASIDE, ResultStore

CELL = ["--model", "good", "--task", "toy", "--tier", "smoke", "--device", "cpu", "--inline"]


@pytest.fixture
def damaged(call, plugins, tmp_path):
    """Return a results folder with two records of ``good``, the first of which is cut short."""
    folder = tmp_path / "results"
    assert call("run", *plugins, *CELL, "--seeds", 2, "--results", folder)[0] == 0
    path = ResultStore(folder).record_files()[0]
    path.write_text(path.read_text()[:100])
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
    artifacts = list((results / "predictions").iterdir())
    assert len(artifacts) == 2

    code, _, err = call("run", *plugins, *CELL, "--seeds", 2, "--results", results)
    assert code == 0
    assert "1 cell to run; 1 already has a record." in err
    assert len(list(ResultStore(results).read())) == 2
    (kept,) = (results / SET_ASIDE).glob("*/*")
    assert kept.stat().st_size == 100
    assert str(kept) in err
