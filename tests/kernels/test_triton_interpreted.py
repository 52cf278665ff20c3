"""Triton's interpreter has to be chosen before triton is first imported, so that its tests run in their own process."""

import os
import subprocess
import sys
from pathlib import Path

import pytest


def test_the_kernels_agree_with_their_references_in_the_interpreter():
    pytest.importorskip("triton")
    file = Path(__file__).with_name("interpreted_kernels.py")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(file)]
    environment = {**os.environ, "TRITON_INTERPRET": "1", "OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-4000:]
