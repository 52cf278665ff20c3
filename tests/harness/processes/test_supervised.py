"""Children are forked from a server that has only imported; they are what a new interpreter would be."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
from archarena.harness.processes import supervised
from archarena.harness.processes.environment import child_environment
from archarena.harness.processes.supervised import Forked, start_supervised

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="forks on Linux only")

FACTS = """
import json, os, sys, threading
import numpy, torch
def main(path, word):
    facts = {
        "word": word,
        "folder": os.getcwd(),
        "path": sys.path[0],
        "variable": os.environ.get("ARCHARENA_TEST"),
        "variables": len(os.environ),
        "threads": torch.get_num_threads(),
        "group": os.getpgrp() == os.getppid(),
        "input": sys.stdin.read(),
        "random": numpy.random.random(),
        "models": [name for name in sys.modules if name.startswith(("archarena.models.", "archarena.tasks."))],
    }
    print("written")
    open(path, "w").write(json.dumps(facts))
"""

WAIT = """
import sys, time
def main(code, seconds):
    time.sleep(float(seconds))
    sys.exit(int(code))
"""


@pytest.fixture
def start(tmp_path, monkeypatch):
    """Return a function that starts a module of this folder, with its output in the file ``log``."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "facts.py").write_text(FACTS)
    (tmp_path / "wait.py").write_text(WAIT)

    def start(*words: str, threads: int = 1):
        with (tmp_path / "log").open("w") as log:
            environment = child_environment(threads)
            return start_supervised(*words, stdout=log.fileno(), stderr=log.fileno(), environment=environment)

    return start


@pytest.fixture
def light(monkeypatch):
    """Let servers import nothing, so that they start quickly."""
    supervised._end_servers()
    monkeypatch.setattr(supervised, "IMPORTED", ())
    yield
    supervised._end_servers()


def facts_of(process) -> dict:
    assert process.wait(60) == 0
    return json.loads(Path("answer").read_text())


def server_of(process: Forked) -> psutil.Process:
    parent = psutil.Process(process.pid).parent()
    assert parent is not None
    return parent


def wait_until_gone(process: psutil.Process) -> None:
    deadline = time.monotonic() + 60
    while process.is_running() and process.status() != psutil.STATUS_ZOMBIE and time.monotonic() < deadline:
        time.sleep(0.01)
    assert not process.is_running() or process.status() == psutil.STATUS_ZOMBIE


def test_a_forked_process_is_like_a_new_interpreter(start, monkeypatch, tmp_path):
    monkeypatch.setenv("ARCHARENA_TEST", "set after the server started")
    forked = facts_of(start("facts", "answer", "hello"))
    assert (tmp_path / "log").read_text() == "written\n"
    monkeypatch.setenv("ARCHARENA_SPAWN", "1")
    spawned = facts_of(start("facts", "answer", "hello"))
    assert spawned.pop("random") != forked.pop("random")
    assert forked == spawned | {"variables": forked["variables"]}
    assert forked["variables"] == spawned["variables"] - 1
    assert forked["folder"] == str(tmp_path)
    assert forked["group"]
    assert forked["models"] == []


def test_the_random_streams_of_forked_processes_differ(start):
    assert facts_of(start("facts", "answer", "")) != facts_of(start("facts", "answer", ""))


def test_the_server_has_started_no_thread(start):
    process = start("wait", "0", "0.1")
    assert server_of(process).num_threads() == 1
    assert process.wait(60) == 0


def test_each_number_of_threads_has_its_own_server(light, start):
    one, two, again = (start("wait", "0", "0.2", threads=threads) for threads in (1, 2, 1))
    assert server_of(one) == server_of(again) != server_of(two)
    assert server_of(two).environ()["OMP_NUM_THREADS"] == "2"
    assert [process.wait(60) for process in (one, two, again)] == [0, 0, 0]


@pytest.mark.parametrize("again", ["the next process", "the end of a process"])
def test_a_killed_server_is_replaced_and_its_processes_run_on(light, start, again):
    first = start("wait", "5", "0.5")
    server = server_of(first)
    server.kill()
    if again == "the next process":
        assert start("wait", "6", "0").wait(60) == 6
    assert first.wait(60) == 5
    second = start("wait", "7", "0")
    assert isinstance(second, Forked)
    assert server_of(second) != server
    assert second.wait(60) == 7


def test_without_a_server_a_new_interpreter_starts(light, start, monkeypatch):
    def refuse(environment):
        raise ConnectionError

    monkeypatch.setattr(supervised, "_server_for", refuse)
    process = start("wait", "3", "0")
    assert isinstance(process, subprocess.Popen)
    assert process.wait(60) == 3


def test_a_killed_supervisor_is_reported_as_a_signal(light, start):
    process = start("wait", "0", "60")
    os.kill(process.pid, signal.SIGKILL)
    assert process.wait(60) == -signal.SIGKILL


def test_an_edited_source_needs_a_new_server(light, start, monkeypatch):
    process = start("wait", "0", "0.1")
    before = server_of(process)
    process.wait(60)
    monkeypatch.setattr(supervised, "_newest_source", lambda: 2**62)
    process = start("wait", "0", "0.1")
    assert server_of(process) != before
    process.wait(60)
    wait_until_gone(before)


PARENT = """
import os, sys, time
from archarena.harness.processes.environment import child_environment
from archarena.harness.processes import supervised
supervised.IMPORTED = ()
process = supervised.start_supervised("wait", "0", sys.argv[1], stdout=2, stderr=2, environment=child_environment(1))
print(process.pid, flush=True)
input()
"""


@pytest.mark.parametrize("end", ["kill", "exit"])
def test_the_server_ends_with_its_parent(start, end):
    command = [sys.executable, "-c", PARENT, "60"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        supervisor = psutil.Process(int(parent.stdout.readline()))
        family = [supervisor.parent(), supervisor, *supervisor.children(recursive=True)]
        if end == "kill":
            parent.kill()
        else:
            parent.communicate("\n")
    for process in family:
        wait_until_gone(process)


def test_a_forked_copy_of_the_parent_has_its_own_server(light, start):
    process = start("wait", "0", "0.2")
    copy = os.fork()
    if copy == 0:
        os._exit(len(supervised._servers))
    assert os.waitstatus_to_exitcode(os.waitpid(copy, 0)[1]) == 0
    assert process.wait(60) == 0
