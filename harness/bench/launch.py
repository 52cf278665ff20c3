"""Starts a benchmark in a child process under the allocator settings and threads of a trial."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import Any

from ..isolation import child_environment


def launch(what: str, threads: int | None, options: dict[str, Any]) -> int:
    """Run benchmark `what` with these options and return its exit code."""
    command = [sys.executable, "-m", "archarena.harness.bench.worker", what, json.dumps(options)]
    return subprocess.run(command, env=child_environment(threads or os.cpu_count() or 1)).returncode
