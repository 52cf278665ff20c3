"""Starts a benchmark in a child process, with the allocator settings and threads of a trial."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import Any

from ..running.child import child_environment
from ..running.environment import gpus


def launch(what: str, threads: int | None, options: dict[str, Any]) -> int:
    """Run a benchmark, on the first GPU if it uses one, and return its exit code."""
    command = [sys.executable, "-m", "archarena.harness.bench.worker", what, json.dumps(options)]
    environment = child_environment(threads or os.cpu_count() or 1, next((gpu.id for gpu in gpus()), None))
    return subprocess.run(command, env=environment).returncode
