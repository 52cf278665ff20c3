"""The process from which children are forked: it has imported what every trial imports, and done nothing else.

``python -m archarena.harness.processes.fork_server DESCRIPTOR MODULE...`` imports the modules. Then it answers the
requests that arrive at a socket, one after the other, and ends when the other end closes, which happens whenever its
parent ends. A request to start a process comes with four descriptors: the input of the supervisor, the output and
errors of the child, and a pipe for its status.

A process that is forked after only imports behaves like a new interpreter: no tensor was computed and no thread
started. Variables that are read while a module is imported are those of the server; the others are set after the fork.
"""

from __future__ import annotations

import atexit
import gc
import json
import os
import socket
import sys
from collections.abc import Sequence
from contextlib import suppress
from importlib import import_module, invalidate_caches
from typing import Any

from .process_tree import supervise

_SIZE = 8
"""Bytes of a number in a message."""


def send(connection: socket.socket, request: dict[str, Any], descriptors: Sequence[int] = ()) -> int:
    """Send a request and return the number that answers it; raise `OSError` if the server does not answer."""
    body = json.dumps(request).encode()
    socket.send_fds(connection, [len(body).to_bytes(_SIZE, "big")], descriptors)
    connection.sendall(body)
    answer = connection.recv(_SIZE, socket.MSG_WAITALL)
    if not answer:
        raise ConnectionError("The server has ended.")
    return int.from_bytes(answer, "big")


def _receive(connection: socket.socket) -> tuple[dict[str, Any], list[int]] | None:
    """Return the next request and its descriptors, or None if the parent has ended."""
    head, descriptors, _, _ = socket.recv_fds(connection, _SIZE, 4, socket.MSG_WAITALL)
    body = connection.recv(int.from_bytes(head, "big"), socket.MSG_WAITALL) if head else b""
    return (json.loads(body), descriptors) if body else None


def _serve(connection: socket.socket) -> tuple[dict[str, Any], list[int]] | None:
    """Answer requests; return a request in the process that is forked for it, and None here when the parent has ended.

    An ended child stays a zombie until the parent asks to reap it, so that its process and group ids are not reused.
    """
    while (received := _receive(connection)) is not None:
        request, descriptors = received
        if "reap" in request:
            os.waitpid(request["reap"], 0)
            answer = 0
        else:
            answer = os.fork()
            if answer == 0:
                connection.close()
                return received
        for descriptor in descriptors:
            os.close(descriptor)
        connection.sendall(answer.to_bytes(_SIZE, "big"))
    return None


def _run(request: dict[str, Any], descriptors: Sequence[int]) -> None:
    """Turn this forked process into what the request asks for, and run it under a supervisor."""
    os.setsid()
    for number, descriptor in enumerate(descriptors[:3]):
        os.dup2(descriptor, number)
        os.close(descriptor)
    os.set_inheritable(descriptors[3], False)
    os.chdir(request["folder"])
    os.environ.clear()
    os.environ.update(request["environment"])
    if not sys.flags.safe_path:
        sys.path[0] = request["folder"]
    invalidate_caches()
    if "numpy" in sys.modules:
        sys.modules["numpy"].random.seed()  # forked processes would otherwise share one stream
    supervise(lambda: import_module(request["module"]).main(*request["arguments"]), descriptors[3])


def main(descriptor: str, *modules: str) -> None:
    """Import the modules and serve; in a forked process, end it when its work is done."""
    for name in modules:
        import_module(name)
    gc.collect()
    gc.freeze()  # keeps the garbage collector from writing to pages that all children share
    received = _serve(socket.socket(fileno=int(descriptor)))
    if received is not None:
        _run(*received)
        _end()


def _end() -> None:
    """End this process as the interpreter would, but leave its memory to the operating system.

    Freeing each object takes about a second, because it copies the pages that are shared with the server.
    """
    atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError):
            stream.flush()
    os._exit(0)


if __name__ == "__main__":
    main(*sys.argv[1:])
