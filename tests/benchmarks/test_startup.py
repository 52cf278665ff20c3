"""How long a command takes to start: ``pytest tests/benchmarks --numprocesses 0`` prints the times."""

import subprocess
import sys

import pytest


@pytest.mark.parametrize("arguments", [["--help"], ["list"]], ids=" ".join)
def test_start(benchmark, arguments):
    command = [sys.executable, "-m", "archarena.harness", *arguments]
    done = benchmark.pedantic(subprocess.run, (command,), {"capture_output": True}, rounds=5, warmup_rounds=1)
    assert done.returncode == 0
