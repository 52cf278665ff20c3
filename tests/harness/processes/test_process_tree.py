"""No descendant outlives a supervised process, however it or its parent ends."""

import os
import signal
import sys
import time
from pathlib import Path

import psutil
import pytest
from archarena.harness.processes.environment import child_environment
from archarena.harness.processes.process_tree import LEFT
from archarena.harness.processes.supervised import Forked, start_supervised

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="uses prctl")

ESCAPE = """
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        note()
        time.sleep(600)
    os._exit(0)
os.wait()
"""
"""A process that leaves the group and whose parent ends, as a daemon does."""

HELPER = """
if os.fork() == 0:
    time.sleep(0.1)
    os._exit(0)
"""
"""A process that ends soon after its parent."""

HOLD_THE_GIL = "import ctypes; ctypes.PyDLL(None).sleep(600)"
"""No Python thread of this process can run meanwhile."""


@pytest.fixture(params=["forked", "new interpreter"])
def start(request, tmp_path, monkeypatch):
    """Return a function that starts a supervised process, waits until `count` processes run, and returns them."""
    pids = tmp_path / "pids"
    pids.mkdir()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ARCHARENA_SPAWN", str(int(request.param != "forked")))

    def start(code: str, count: int, stderr: int | None = None):
        head = f"import os, signal, sys, time\ndef note(): open({str(pids)!r} + '/' + str(os.getpid()), 'w')\n"
        body = "".join(f"    {line}\n" for line in f"note()\n{code}".splitlines())
        (tmp_path / "job.py").write_text(f"{head}def main():\n{body}")
        with Path(os.devnull).open("w") as null:
            output = null.fileno() if stderr is None else stderr
            supervisor = start_supervised("job", stdout=output, stderr=output, environment=child_environment(1))
        assert isinstance(supervisor, Forked) == (request.param == "forked")
        deadline = time.monotonic() + 60
        while len(list(pids.iterdir())) < count and time.monotonic() < deadline:
            time.sleep(0.01)
        return supervisor, [int(path.name) for path in pids.iterdir()]

    return start


def wait_until_gone(pids: list[int]) -> None:
    deadline = time.monotonic() + 20
    while any(map(_lives, pids)) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert not [pid for pid in pids if _lives(pid)]


def _lives(pid: int) -> bool:
    return psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE


@pytest.mark.parametrize(
    ("end", "code"),
    [("", 0), ("sys.exit(3)", 3), ("os._exit(4)", 4), ("raise ValueError", 1), ("os.kill(os.getpid(), 11)", -11)],
)
def test_it_ends_like_the_process_that_it_supervises_and_after_what_escaped(start, end, code):
    supervisor, pids = start(f"{ESCAPE}\n{end}", count=2)
    assert supervisor.wait(30) == code
    wait_until_gone(pids)


HANGS = {"sleeping": "time.sleep(600)", "holding the GIL": HOLD_THE_GIL, "deaf": "signal.pause()"}


@pytest.mark.parametrize("hang", HANGS.values(), ids=HANGS)
@pytest.mark.parametrize("end", ["input closes", "terminated", "killed"])
def test_a_process_that_hangs_ends_with_its_parent(start, hang, end):
    escape = "" if end == "killed" else ESCAPE  # nobody is left to find what escaped
    deaf = "for number in (1, 2, 15): signal.signal(number, signal.SIG_IGN)\n"
    supervisor, pids = start(f"{deaf}{escape}\n{hang}", count=1 if end == "killed" else 2)
    if end == "input closes":
        supervisor.stdin.close()
    else:
        os.kill(supervisor.pid, signal.SIGTERM if end == "terminated" else signal.SIGKILL)
    supervisor.wait(30)
    wait_until_gone(pids)


@pytest.mark.parametrize(("code", "count"), [(ESCAPE, 1), (ESCAPE * 2, 2), ("", 0), (HELPER, 0)])
def test_processes_left_running_are_counted_and_helpers_that_end_are_not(start, capfd, code, count):
    supervisor, _ = start(code, count=1, stderr=2)
    supervisor.wait(30)
    assert capfd.readouterr().err == (LEFT.format(count=count) if count else "")


def test_the_supervised_process_has_no_input(start):
    supervisor, _ = start("sys.exit(len(sys.stdin.read()))", count=1)
    assert supervisor.wait(30) == 0
