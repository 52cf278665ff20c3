"""Measures how long commands take to start: ``pytest tests/benchmarks/test_startup.py --numprocesses 0``."""

import subprocess
import sys

import pytest


@pytest.mark.parametrize("arguments", [["--help"], ["list"]], ids=" ".join)
def test_start(benchmark, arguments):
    command = [sys.executable, "-m", "archarena.harness", *arguments]
    done = benchmark.pedantic(subprocess.run, (command,), {"capture_output": True}, rounds=5, warmup_rounds=1)
    assert done.returncode == 0
