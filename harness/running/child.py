"""A child process with its own process group, external limits and guaranteed termination.

This isolates crashes but is not a sandbox: a plugin runs with the user's permissions.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import stat
import subprocess
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psutil
from pydantic import ValidationError

from ..errors import UserError
from ..files import read_regular
from ..planning.job import JOB, LOG, OUTCOME, PREDICTIONS, PROGRESS, WEIGHTS
from ..processes.environment import child_environment
from ..processes.process_tree import LEFT
from ..processes.supervised import start_supervised
from ..records.record import Outcome
from ..text import one_line
from .doubts import Seen

_WORKER = "archarena.harness.running.worker"

_LOOK_SECONDS = 0.4

_END_SECONDS = 10.0
"""How long to wait for the end of a process that was asked to end or killed."""

_OUTCOME_BYTES = 16 * 2**20

_TAIL_BYTES = 4000

_LEFT = re.compile(re.escape(LEFT).replace(r"\{count\}", r"(\d+)") + r"\Z")


@dataclass(frozen=True)
class Limits:
    """Time, memory and log size that a child may use before it is killed."""

    seconds: float
    memory_bytes: float
    log_bytes: float = 32 * 2**20


class Child:
    """A job that runs in a child process, which `archarena.harness.processes.process_tree` supervises.

    Parameters
    ----------
    folder
        Contains ``job.json``; the child writes its output and outcome there.
    device
        Value of ``CUDA_VISIBLE_DEVICES``, or None to leave it unchanged.

    Attributes
    ----------
    log_tail
        The end of the log, once the child has ended.
    seen
        Its time and the processes that it left running, once it has ended.
    """

    def __init__(self, folder: Path, limits: Limits, threads: int, device: str | None = None):
        self.folder, self.limits = folder, limits
        self.peak_rss, self.log_tail, self.seen = 0, "", Seen()
        self._resumed = os.path.lexists(folder / PROGRESS)
        # It stays open, because the child may delete or replace the file.
        self._log = (folder / LOG).open("w+b")
        log = self._log.fileno()
        self.process = start_supervised(
            _WORKER, str(folder), stdout=log, stderr=log, environment=child_environment(threads, device)
        )
        self.started = self._looked = time.monotonic()
        self._root = psutil.Process(self.process.pid)
        self._family: set[psutil.Process] = set()

    def poll(self) -> Outcome | None:
        """Return the outcome if the child has ended or exceeded a limit, otherwise None."""
        exceeded = None
        if not self._has_ended():
            exceeded = self._exceeded()
            if exceeded is None:
                return None
        self.end()
        self.kill()
        if self.process.returncode is None:
            return Outcome(status="crashed", reason=f"The trial's process {self.process.pid} could not be ended.")
        return exceeded or self._outcome()

    def end(self) -> None:
        """Make the supervisor kill all processes and end, without waiting for that."""
        if self.process.stdin:
            self.process.stdin.close()

    def kill(self) -> None:
        """Kill the child and all its descendants, and reap it.

        The child is reaped last: until then, no other process can reuse its process or group id. Returns within
        seconds even if the operating system does not end a process; it is then left alone.
        """
        self.end()
        self._kill_family()
        deadline = time.monotonic() + _END_SECONDS
        while not self._has_ended() and time.monotonic() < deadline:
            time.sleep(0.01)
        self._kill_family()
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self.process.pid, signal.SIGKILL)
        with suppress(subprocess.TimeoutExpired):
            self.process.wait(_END_SECONDS)
        if not self._log.closed:
            self.log_tail = _end_of(self._log.fileno())
            self._log.close()
            left = _LEFT.search(self.log_tail)
            self.seen = Seen(self.seconds, self._resumed, int(left[1]) if left else 0)

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

    def _kill_family(self) -> None:
        self._look()
        for process in self._family:
            with suppress(psutil.Error):
                process.kill()

    def _exceeded(self) -> Outcome | None:
        limits = self.limits
        if self.seconds > limits.seconds:
            return Outcome(status="timeout", reason=f"Ran longer than {limits.seconds:.0f} s.")
        if time.monotonic() - self._looked > _LOOK_SECONDS:
            self._look()
        if self.peak_rss > limits.memory_bytes:
            return Outcome(status="oom", reason=f"Used more than {limits.memory_bytes / 2**30:.1f} GiB of memory.")
        if os.fstat(self._log.fileno()).st_size > limits.log_bytes:
            return Outcome(status="crashed", reason=f"Printed more than {limits.log_bytes / 2**20:.0f} MiB.")
        return None

    def _outcome(self) -> Outcome:
        """Return the outcome that the child wrote, with a short reason, or what is wrong with it."""
        found = None if self.process.returncode == -signal.SIGKILL else read_outcome(self.folder)
        if found is None:
            reason = f"The trial's process {_how_it_ended(self.process.wait())} before it finished."
            return Outcome(status="crashed", reason=reason)
        return found


def read_outcome(folder: Path) -> Outcome | None:
    """Return the outcome that a child wrote to a folder, or what is wrong with it; None if there is none."""
    if not os.path.lexists(folder / OUTCOME):
        return None
    try:
        found = Outcome.model_validate_json(read_regular(folder / OUTCOME, _OUTCOME_BYTES))
    except ValidationError as error:
        first = error.errors(include_input=False)[0]
        place = ".".join(map(str, first["loc"]))
        reason = one_line(f"{OUTCOME} is not valid: {place}: {first['msg']}.".replace(": : ", ": "))
    except UserError as error:
        reason = str(error)
    else:
        return found.model_copy(update={"reason": one_line(found.reason)})
    return Outcome(status="crashed", reason=f"The trial's outcome cannot be read: {reason}")


def clear(folder: Path) -> None:
    """Create a job's folder; remove what an earlier process left there, except for its progress and checkpoints."""
    if folder.is_symlink() or folder.is_file():
        folder.unlink()
    folder.mkdir(parents=True, exist_ok=True)
    for path in folder.iterdir():
        kind = path.lstat().st_mode
        if stat.S_ISDIR(kind):
            shutil.rmtree(path)
        elif not stat.S_ISREG(kind) or path.name in (JOB, LOG, OUTCOME, PREDICTIONS, WEIGHTS):
            path.unlink()


def tail(log: Path) -> str:
    """Return the end of a log file, or an empty string if it cannot be read."""
    try:
        descriptor = os.open(log, os.O_RDONLY | os.O_NONBLOCK)
    except OSError:
        return ""
    try:
        return _end_of(descriptor)
    finally:
        os.close(descriptor)


def _end_of(descriptor: int) -> str:
    """Return the end of an open file without moving its position, which a process may share."""
    try:
        start = max(0, os.fstat(descriptor).st_size - _TAIL_BYTES)
        return os.pread(descriptor, _TAIL_BYTES, start).decode(errors="replace")
    except OSError:
        return ""


def _how_it_ended(code: int) -> str:
    if code >= 0:
        return f"exited with code {code}"
    known = {signal.value: signal.name for signal in signal.Signals}
    return f"was killed by {known.get(-code, f'signal {-code}')}"


def _rss(process: psutil.Process) -> int:
    try:
        return process.memory_info().rss
    except psutil.Error:
        return 0
