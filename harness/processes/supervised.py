"""Start a module's `main` in a process with a supervisor: forked from a server on Linux, otherwise a new interpreter.

The server is not multiprocessing's: that one imports the user's main module again in every child, reaps children before
their process group can be killed, and gives them neither their own group nor output, environment and a supervisor.
"""

from __future__ import annotations

import atexit
import os
import select
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from .fork_server import send
from .process_tree import STATUS_BYTES

IMPORTED = (
    "numpy",
    "psutil",
    "torch",
    "torch._dynamo",
    "archarena.harness.data.prepare",
    "archarena.harness.running.worker",
    "archarena.harness.training.trial",
)
"""Modules that a server imports; none is a model or task, so a child sees the current source of those."""

_ANSWER_SECONDS = 120.0
"""Time limit for an answer of a server, which includes its imports; then a new interpreter is started instead."""

_MOST_SERVERS = 2

_SET_AFTER_FORK = ("ARCHARENA_", "CUDA_", "PYTEST_")
"""Prefixes of variables that no module reads while it is imported, so that one server suffices for all values."""

_SOURCES = [Path(__file__).parents[1], Path(__file__).parents[2] / "kernels"]
"""Packages from which the server imports."""


class Forked:
    """A supervised process that a server has forked; used like `subprocess.Popen`.

    Attributes
    ----------
    stdin
        The pipe whose end makes the supervisor kill all processes.
    """

    def __init__(self, server: _Server, request: dict[str, object], stdout: int, stderr: int):
        reader, writer = os.pipe()
        self._status, status = os.pipe()
        self.stdin = os.fdopen(writer, "wb")
        self.returncode: int | None = None
        self._server = server
        try:
            self.pid = server.ask(request, [reader, stdout, stderr, status])
        except BaseException:
            self.stdin.close()
            os.close(self._status)
            raise
        finally:
            os.close(reader)
            os.close(status)

    def wait(self, timeout: float | None = None) -> int:
        """Return the exit code, or the negative signal, of the process; its process id is free afterwards."""
        if self.returncode is None:
            poll = select.poll()
            poll.register(self._status, select.POLLIN)
            if not poll.poll(None if timeout is None else 1000 * timeout):
                raise subprocess.TimeoutExpired(f"process {self.pid}", timeout or 0.0)
            status = os.read(self._status, STATUS_BYTES)
            os.close(self._status)
            with suppress(OSError):
                self._server.ask({"reap": self.pid})
            # A supervisor that was killed has written nothing.
            self.returncode = os.waitstatus_to_exitcode(int.from_bytes(status, "big")) if status else -signal.SIGKILL
        return self.returncode


class _Server:
    """A fork server and the connection to it."""

    def __init__(self, environment: Mapping[str, str]):
        self.sources = _newest_source()
        self._lock = threading.Lock()
        self._connection, theirs = socket.socketpair()
        self._connection.settimeout(_ANSWER_SECONDS)
        command = [sys.executable, "-m", "archarena.harness.processes.fork_server", str(theirs.fileno()), *IMPORTED]
        null = subprocess.DEVNULL
        with theirs:
            self._process = subprocess.Popen(
                command,
                stdin=null,
                stdout=null,
                stderr=null,
                env=environment,
                pass_fds=[theirs.fileno()],
                start_new_session=True,
            )

    def ask(self, request: dict[str, object], descriptors: list[int] | None = None) -> int:
        with self._lock:
            try:
                return send(self._connection, request, descriptors or [])
            except BaseException:
                self._connection.close()  # a late answer must not be taken for that of the next request
                raise

    def end(self) -> None:
        """Kill the server; the processes that it has forked run on."""
        self._connection.close()
        self._process.kill()
        self._process.wait()

    def forget(self) -> None:
        """Close the connection in a process that was forked from this one."""
        self._connection.close()


_servers: dict[tuple[object, ...], _Server] = {}
_lock = threading.Lock()


def start_supervised(
    module: str, *arguments: str, stdout: int, stderr: int, environment: Mapping[str, str]
) -> Forked | subprocess.Popen[bytes]:
    """Start a process in its own group that calls a module's `main`, under `process_tree.supervise`.

    Its supervisor's standard input is a pipe: closing it kills the process and all its descendants. The process itself
    reads nothing. With ``ARCHARENA_SPAWN=1``, and where a server cannot be used, it is a new interpreter.

    Parameters
    ----------
    stdout, stderr
        Descriptors.
    """
    if sys.platform == "linux" and environment.get("ARCHARENA_SPAWN") != "1":
        for _ in range(2):  # a server that was killed is replaced
            try:
                return _fork(module, arguments, stdout, stderr, environment)
            except OSError as error:
                _end_server(environment)
                if isinstance(error, TimeoutError):
                    break
    command = [sys.executable, "-m", "archarena.harness.processes.process_tree", module, *arguments]
    return subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=stdout, stderr=stderr, env=environment, start_new_session=True
    )


def _fork(module: str, arguments: tuple[str, ...], stdout: int, stderr: int, environment: Mapping[str, str]) -> Forked:
    request = {
        "module": module,
        "arguments": arguments,
        "environment": dict(environment),
        "folder": str(Path.cwd()),
    }
    return Forked(_server_for(environment), request, stdout, stderr)


def _server_for(environment: Mapping[str, str]) -> _Server:
    """Return the server of an environment; it is started if there is none or if the source has changed since."""
    key = _key(environment)
    with _lock:
        server = _servers.pop(key, None)
        if server is not None and server.sources != _newest_source():
            server.end()
            server = None
        _servers[key] = server or _Server(environment)  # the most recently used one comes last
        while len(_servers) > _MOST_SERVERS:
            _servers.pop(next(iter(_servers))).end()
        return _servers[key]


def _key(environment: Mapping[str, str]) -> tuple[object, ...]:
    early = {item for item in environment.items() if not item[0].startswith(_SET_AFTER_FORK)}
    return (sys.executable, *sorted(early))


def _newest_source() -> int:
    return max(path.stat().st_mtime_ns for folder in _SOURCES for path in folder.rglob("*.py"))


def _end_server(environment: Mapping[str, str]) -> None:
    with _lock:
        server = _servers.pop(_key(environment), None)
    if server is not None:
        server.end()


def _end_servers() -> None:
    while _servers:
        _servers.popitem()[1].end()


def _forget_servers() -> None:
    global _lock
    _lock = threading.Lock()
    while _servers:
        _servers.popitem()[1].forget()


atexit.register(_end_servers)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_servers)
