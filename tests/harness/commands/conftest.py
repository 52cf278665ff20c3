"""Runs commands in this process, on a folder of real records."""

import pytest
from archarena.harness.commands import main


@pytest.fixture
def call(capsys):
    """Return a function that runs a command and returns exit code, output and errors."""

    def call(*arguments: object) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as end:
            main([str(argument) for argument in arguments])
        captured = capsys.readouterr()
        return int(end.value.code or 0), captured.out, captured.err

    return call


@pytest.fixture
def plugins(toy_task, make_model):
    """Return the plugin options of the toy task and of model ``good``."""
    return ["--plugin", toy_task, "--plugin", make_model()]


@pytest.fixture
def results(call, plugins, tmp_path):
    """Return a results folder with two variants of ``good`` on the toy task, three seeds each."""
    folder = tmp_path / "results"
    variants = ["--model", "good", "--set", "good.scale=1.0,2.0", "--task", "toy", "--tier", "smoke", "--seeds", 3]
    code, _, err = call("run", *plugins, *variants, "--inline", "--device", "cpu", "--results", folder)
    assert code == 0, err
    return folder
