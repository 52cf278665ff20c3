"""A process whose descendants all end when it ends.

``python -m archarena.harness.processes.process_tree MODULE ARGUMENT...`` supervises a forked process,
which imports the module and calls its `main` with the arguments.
"""

from __future__ import annotations

import ctypes
import os
import resource
import signal
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from importlib import import_module

_SET_DEATH_SIGNAL, _SET_CHILD_SUBREAPER = 1, 36
"""Options of Linux's prctl(2), from linux/prctl.h."""

_CLEANUP_SECONDS = 5.0

_GRACE_SECONDS = 0.3

STATUS_BYTES = 4
"""Length of a wait status in a pipe."""

LEFT = "archarena: Ended {count} left over.\n"
"""Last line of the standard error of a supervised process that left other processes running."""


def supervise(work: Callable[[], None], status_pipe: int | None = None) -> None:
    """Run `work` in a forked process; only that process returns.

    This process waits until `work` is done, or until its standard input closes, which happens whenever its parent
    ends. It then kills all remaining descendants and ends with the exit code or the signal of the forked process. It
    runs none of the code under test, so it can act whatever that code does. On Linux, the descendants include
    processes that left the group and lost their parent, and the forked process ends even if this one is killed.

    The wait status of the forked process is written to `status_pipe`, for a parent that cannot wait for this process.
    """
    supervisor = os.getpid()
    _prctl(_SET_CHILD_SUBREAPER, 1)
    worker = os.fork()
    if worker == 0:
        _prctl(_SET_DEATH_SIGNAL, signal.SIGKILL)
        if os.getppid() != supervisor:
            os._exit(1)
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        if status_pipe is not None:
            os.close(status_pipe)
        # A sandbox (namespaces, Landlock, seccomp) belongs here, before any code of a plugin runs.
        work()
        return
    signal.signal(signal.SIGTERM, lambda *_: os.kill(worker, signal.SIGKILL))
    threading.Thread(target=_kill_when_input_closes, args=(worker,), daemon=True).start()
    status = _wait_for(worker)
    _kill_descendants(_GRACE_SECONDS if os.WIFEXITED(status) else 0.0)
    if status_pipe is not None:
        with suppress(OSError):
            os.write(status_pipe, status.to_bytes(STATUS_BYTES, "big"))
    _end_like(status)


def _prctl(option: int, value: int) -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(option, ctypes.c_ulong(value), 0, 0, 0)


def _kill_when_input_closes(worker: int) -> None:
    while os.read(0, 1):
        pass
    with suppress(ProcessLookupError):
        os.kill(worker, signal.SIGKILL)


def _wait_for(worker: int) -> int:
    """Return a child's wait status; reap the orphans that end before it."""
    while True:
        pid, status = os.wait()
        if pid == worker:
            return status


def _kill_descendants(grace: float) -> None:
    """Kill descendants, including those that they start meanwhile, until none is left.

    Helpers of libraries end by themselves when their parent does; `grace` is their time in seconds to do so.
    """
    now = time.monotonic()
    while _has_children() and time.monotonic() < now + grace:
        time.sleep(0.005)
    killed = set()
    while _has_children() and time.monotonic() < now + grace + _CLEANUP_SECONDS:
        import psutil

        for process in psutil.Process().children(recursive=True):
            with suppress(psutil.Error):
                process.kill()
                killed.add(process.pid)
        time.sleep(0.005)
    if killed:
        with suppress(OSError):
            os.write(2, LEFT.format(count=len(killed)).encode())


def _has_children() -> bool:
    """Reap the children that have ended, and return whether others are left."""
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    except ChildProcessError:
        return False
    return True


def _end_like(status: int) -> None:
    code = os.waitstatus_to_exitcode(status)
    if code < 0:
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        with suppress(OSError, ValueError):
            signal.signal(-code, signal.SIG_DFL)
        os.kill(os.getpid(), -code)
    os._exit(code if code >= 0 else 1)


if __name__ == "__main__":
    supervise(lambda: import_module(sys.argv[1]).main(*sys.argv[2:]))
