"""A child process with its own process group, external limits and guaranteed termination.

This isolates crashes but is not a sandbox: a plugin runs with the user's permissions.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

from ..planning.job import LOG, OUTCOME
from ..records.record import Outcome

_THREAD_VARIABLES = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMEXPR_NUM_THREADS")


# Otherwise glibc maps and unmaps every large tensor, and page faults dominate CPU training.
_ALLOCATOR = {"MALLOC_MMAP_MAX_": "0", "MALLOC_TRIM_THRESHOLD_": "100000000000"}

_LOOK_SECONDS = 0.4


@dataclass(frozen=True)
class Limits:
    """Time, memory and log size that a child may use before it is killed."""

    seconds: float
    memory_bytes: float
    log_bytes: float = 32 * 2**20


class Child:
    """A job that runs in a child process.

    Parameters
    ----------
    folder
        Contains ``job.json``; the child writes its output and outcome there.
    device
        Value of ``CUDA_VISIBLE_DEVICES``, or None to leave it unchanged.
    """

    def __init__(self, folder: Path, limits: Limits, threads: int, device: str | None = None):
        self.folder, self.limits = folder, limits
        self.peak_rss = 0
        self.log = folder / LOG
        (folder / OUTCOME).unlink(missing_ok=True)
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "archarena.harness.running.worker", str(folder)],
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=subprocess.STDOUT,
                env=child_environment(threads, device),
                start_new_session=True,
            )
        self.started = self._looked = time.monotonic()
        self._root = psutil.Process(self.process.pid)
        self._family = {self._root}

    def poll(self) -> Outcome | None:
        """Return the outcome if the child has ended or exceeded a limit, otherwise None."""
        if self._has_ended():
            self.kill()
            return self._outcome()
        exceeded = self._exceeded()
        if exceeded is not None:
            self.kill()
        return exceeded

    def kill(self) -> None:
        """Kill the child and all its descendants, and reap it.

        The child is reaped last: until then, no other process can reuse its process or group id.
        """
        self._look()
        for process in self._family:
            with suppress(psutil.Error):
                process.kill()
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self.process.pid, signal.SIGKILL)
        if self.process.stdin:
            self.process.stdin.close()
        self.process.wait()

    @property
    def seconds(self) -> float:
        """Return how long the child has run."""
        return time.monotonic() - self.started

    def _has_ended(self) -> bool:
        try:
            return self._root.status() == psutil.STATUS_ZOMBIE
        except psutil.NoSuchProcess:
            return True

    def _look(self) -> None:
        """Find all descendants and add up their memory; those found once are kept, even if their parent ends."""
        with suppress(psutil.Error):
            self._family |= set(self._root.children(recursive=True))
        self.peak_rss = max(self.peak_rss, sum(map(_rss, self._family)))
        self._looked = time.monotonic()

    def _exceeded(self) -> Outcome | None:
        limits = self.limits
        if self.seconds > limits.seconds:
            return Outcome(status="timeout", reason=f"Ran longer than {limits.seconds:.0f} s.")
        if time.monotonic() - self._looked > _LOOK_SECONDS:
            self._look()
        if self.peak_rss > limits.memory_bytes:
            return Outcome(status="oom", reason=f"Used more than {limits.memory_bytes / 2**30:.1f} GiB of memory.")
        if self.log.stat().st_size > limits.log_bytes:
            return Outcome(status="crashed", reason=f"Printed more than {limits.log_bytes / 2**20:.0f} MiB.")
        return None

    def _outcome(self) -> Outcome:
        code = self.process.returncode
        try:
            return Outcome.model_validate_json((self.folder / OUTCOME).read_text())
        except (OSError, ValueError):
            how = f"was killed by {signal.Signals(-code).name}" if code < 0 else f"exited with code {code}"
            return Outcome(status="crashed", reason=f"The trial's process {how} before it finished.")


def tail(log: Path, characters: int = 4000) -> str:
    """Return the end of a log file."""
    with log.open("rb") as file:
        file.seek(max(0, log.stat().st_size - characters))
        return file.read().decode(errors="replace")


def _rss(process: psutil.Process) -> int:
    try:
        return process.memory_info().rss
    except psutil.Error:
        return 0


def child_environment(threads: int, device: str | None = None) -> dict[str, str]:
    """Return a child's environment variables: threads, GPU, and an allocator that keeps freed memory."""
    environment = {**os.environ, **_ALLOCATOR, **dict.fromkeys(_THREAD_VARIABLES, str(threads))}
    environment |= {"PYTHONUNBUFFERED": "1", "TOKENIZERS_PARALLELISM": "false"}
    if device is not None:
        # With this order, GPU numbers are those of the driver, which gives the GPU's name for records.
        environment |= {"CUDA_VISIBLE_DEVICES": device, "CUDA_DEVICE_ORDER": "PCI_BUS_ID"}
    return environment
