"""Whatever a child process leaves behind, its cell gets a row with one short sentence, and the other cells run on."""

import shutil
import sys
import time
from io import StringIO
from types import SimpleNamespace

import numpy as np
import psutil
import pytest
import torch
from archarena.harness.contract.registry import discover
from archarena.harness.planning.job import ClassLocation, PrepareJob
from archarena.harness.planning.plan import make_plan
from archarena.harness.records.store import ResultStore
from archarena.harness.running import child, executor
from archarena.harness.running.child import Limits
from archarena.harness.running.executor import Ended, Inline, Local, Request, Started
from archarena.harness.running.progress import Progress
from archarena.harness.running.run import Run
from archarena.harness.running.runner import Runner
from rich.console import Console
from safetensors.numpy import save
from safetensors.torch import save as save_tensors

FILES = {
    "good": save({"test.outputs": np.zeros((50, 2), np.float32)}),
    "garbage": b"garbage",
    "number": save({"test.outputs": np.zeros((), np.float32)}),
    "one-row": save({"test.outputs": np.zeros((1, 2), np.float32)}),
    "bfloat16": save_tensors({"test.outputs": torch.zeros(50, 2, dtype=torch.bfloat16)}),
    "none": save({}),
    "nan.json": b'{"status": "ok", "learning_rate": NaN}',
    "deep.json": b"[" * 100_000,
    "long.json": b'{"status": "crashed", "reason": "' + b"long\\n " * 10_000 + b'"}',
}
OK = """echo '{"status": "ok"}' > $2/outcome.json"""
GOOD = f"cp files/good $2/predictions.safetensors; {OK}"
READ = "The trial's outcome cannot be read: "
BAD = {
    "nothing": ("", "The trial's process exited with code 0 before it finished."),
    "no predictions": (OK, "predictions.safetensors is missing."),
    "no arrays": (f"cp files/none $2/predictions.safetensors; {OK}", "contains no predictions for this task"),
    "garbage": (f"cp files/garbage $2/predictions.safetensors; {OK}", "predictions.safetensors cannot be read"),
    "a number": (f"cp files/number $2/predictions.safetensors; {OK}", "are a single number"),
    "one row": (f"cp files/one-row $2/predictions.safetensors; {OK}", "have the wrong shape (1, 2)"),
    "bfloat16": (
        f"cp files/bfloat16 $2/predictions.safetensors; {OK}",
        "predictions.safetensors has numbers of type BF16, which cannot be scored: predict float32 instead.",
    ),
    "too large": (
        f"truncate -s 9G $2/predictions.safetensors; {OK}",
        "predictions.safetensors is larger than 4096 MiB",
    ),
    "folders": (f"mkdir $2/predictions.safetensors $2/attempt-0.safetensors; {OK}", "not a regular file"),
    "outcome folder": ("mkdir $2/outcome.json", READ + "outcome.json is not a regular file."),
    "outcome nan": (
        "cp files/nan.json $2/outcome.json",
        READ + "outcome.json is not valid: learning_rate: Input should",
    ),
    "outcome deep": ("cp files/deep.json $2/outcome.json", READ + "outcome.json is not valid: Invalid JSON"),
    "outcome long": ("cp files/long.json $2/outcome.json", "long long long"),
    "outcome huge": ("truncate -s 9G $2/outcome.json", READ + "outcome.json is larger than 16 MiB."),
    "outcome pipe": ("mkfifo $2/outcome.json", READ + "outcome.json is not a regular file."),
    "outcome link": ("ln -s /dev/zero $2/outcome.json", READ + "outcome.json is not a readable file"),
    "predictions pipe": (f"mkfifo $2/predictions.safetensors; {OK}", "predictions.safetensors is not a regular file."),
    "weights pipe": (f"mkfifo $2/weights.safetensors; {GOOD}", "weights.safetensors is not a regular file."),
    "progress pipe": ("mkfifo $2/progress.json; sleep 0.3; exit 3", "exited with code 3"),
    "log pipe": ("rm $2/log.txt; mkfifo $2/log.txt; exit 3", "exited with code 3"),
    "no log": ("rm $2/log.txt; exit 3", "exited with code 3"),
    "no folder": ("rm -r $2", "exited with code 0"),
    "file for folder": ("rm -r $2; echo x > $2", "exited with code 0"),
    "job folder": ("rm $2/job.json; mkdir $2/job.json; exit 3", "exited with code 3"),
}
if sys.platform == "linux":
    BAD["unnamed signal"] = ("kill -s 40 $$", "was killed by signal 40")


class Scripted(Local):
    """Prepares tasks here and runs a shell script in place of each trial."""

    def run(self, requests):
        requests = list(requests)
        prepares = [request for request in requests if isinstance(request.work, PrepareJob)]
        yield from Inline().run(prepares)
        yield from super().run([request for request in requests if request not in prepares])


@pytest.fixture
def run_scripts(toy_task, make_model, tmp_path, monkeypatch):
    """Return a function that runs the models ``bad`` and ``good`` with a script for the first, and returns rows."""
    (tmp_path / "files").mkdir()
    for name, content in FILES.items():
        (tmp_path / "files" / name).write_bytes(content)
    monkeypatch.chdir(tmp_path)
    plugins = [toy_task, make_model("bad"), make_model("good")]
    shell = tmp_path / "shell"
    plan = make_plan(discover(plugins), models=["bad", "good"], tasks=["toy"], tier="smoke", data=tmp_path)
    start = 'shift 2; grep -q bad_model.py $2/job.json && { eval "$SCRIPT"; exit; }'
    shell.write_text(f"#!/bin/bash\n{start}\n{GOOD}\n")
    shell.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(shell))
    monkeypatch.setenv("ARCHARENA_SPAWN", "1")

    def run(script: str, **limits):
        monkeypatch.setenv("SCRIPT", script)
        store, limits = ResultStore(tmp_path / "results"), Limits(60, 1e12, **limits)
        run = Run(plan, store, tmp_path, "cpu", plugins, rerun="all", limits=limits)
        with Progress(Console(file=StringIO(), force_terminal=True)) as progress:
            return {record.cell.model: record for record in Runner(run, Scripted(2), progress).execute().records}

    return run


@pytest.mark.parametrize("kind", BAD)
def test_bad_output_is_a_row_and_neither_other_cells_nor_the_next_run_suffer(run_scripts, kind):
    script, reason = BAD[kind]
    rows = run_scripts(script)
    assert rows["bad"].status == "crashed"
    assert reason in rows["bad"].reason
    assert len(rows["bad"].reason) < 600
    assert "\n" not in rows["bad"].reason
    assert not rows["bad"].scores
    assert rows["bad"].predictions is None
    assert rows["good"].status == "ok"
    assert run_scripts(GOOD)["bad"].status == "ok"


def test_a_deleted_log_is_still_limited_and_kept(run_scripts):
    assert run_scripts("rm $2/log.txt; echo last words; exit 3")["bad"].log_tail == "last words\n"
    rows = run_scripts("rm $2/log.txt; yes", log_bytes=2**20)
    assert rows["bad"].reason == "Printed more than 1 MiB."
    assert rows["good"].status == "ok"


class Stubborn:
    """A child that never ends by itself; those with an odd number cannot be ended."""

    started = ()

    def __init__(self, *_):
        self.number, self.calls, self.log_tail, self.peak_rss = len(Stubborn.started), [], "", 0
        Stubborn.started = (*Stubborn.started, self)

    def poll(self):
        return None

    def end(self):
        self.calls.append("end")

    def kill(self):
        self.calls.append("kill")
        if self.number % 2 == 0:
            raise RuntimeError("it cannot be ended")


def test_the_others_are_ended_although_one_cannot_be(monkeypatch, tmp_path):
    monkeypatch.setattr(Stubborn, "started", ())
    monkeypatch.setattr(executor, "Child", Stubborn)
    monkeypatch.setattr(executor, "write_json", lambda *_: None)
    monkeypatch.setattr(executor, "Job", lambda work: SimpleNamespace(model_dump=lambda mode: {}))
    requests = [Request(str(n), tmp_path / str(n), None, Limits(9, 9), 1) for n in range(3)]
    events = Local(3).run(requests)
    for _ in range(4):
        next(events)
    events.close()
    assert [child.calls for child in Stubborn.started] == [["end", "kill"]] * 3


def test_a_process_that_the_system_does_not_end_is_left_alone(monkeypatch, tmp_path):
    monkeypatch.setattr(sys, "executable", shutil.which("true"))
    monkeypatch.setattr(child, "_END_SECONDS", 0.05)
    run = child.Child(tmp_path, Limits(0, 1e12), 1)
    run.process.wait()
    monkeypatch.setattr(run, "_has_ended", lambda: False)
    monkeypatch.setattr(run.process, "returncode", None)
    monkeypatch.setattr(run.process, "wait", _never_ends)
    assert run.poll().reason == f"The trial's process {run.process.pid} could not be ended."


def _never_ends(seconds):
    raise child.subprocess.TimeoutExpired("child", seconds)


KILLER = """
import os, signal, sys, time
from archarena.harness import Task, register_task

for daemon in (False, True):
    if os.fork() == 0:
        if daemon:
            os.setsid()
        open(f"{folder}/{{os.getpid()}}.pid", "w").close()
        time.sleep(600)
time.sleep(1.5)
open("{folder}/outcome.json", "w").write('{{"status": "ok"}}')
os.kill(os.getppid(), signal.SIGKILL)
time.sleep(600)


@register_task("killer", summary="Kills its supervisor.")
class Killer(Task):
    pass
"""


DAEMON = """
import os, sys, time

if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        time.sleep(600)
    os._exit(0)
os.wait()
sys.exit(0)
"""


@pytest.fixture
def prepare(tmp_path):
    """Return a function that prepares a task with this code, whose class is Killer, and returns the result."""

    def prepare(code: str):
        plugin = tmp_path / "killer.py"
        plugin.write_text(code)
        task = ClassLocation(kind="task", name="killer", class_name="Killer", file=plugin, module=None)
        job = PrepareJob(
            task=task, tier="smoke", seed=0, data=tmp_path, target=tmp_path / "arrays", with_reference_scores=False
        )
        events = Local(1).run([Request("killer", tmp_path / "job", job, Limits(60, 1e12), 1)])
        (result,) = [event.result for event in events if isinstance(event, Ended)]
        return result

    return prepare


@pytest.mark.skipif(sys.platform != "linux", reason="uses a subreaper")
def test_the_parent_sees_how_long_a_child_ran_and_what_it_left(prepare):
    before = time.monotonic()
    result = prepare(DAEMON)
    assert "SystemExit: 0" in result.outcome.reason
    assert (result.seen.left, result.seen.resumed) == (1, False)
    assert 0 < result.seen.seconds <= time.monotonic() - before


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere, the trial's process may outlive its supervisor")
def test_a_plugin_that_kills_its_supervisor_gives_a_crash_and_leaves_no_process(prepare, tmp_path):
    folder = tmp_path / "job"
    outcome = prepare(KILLER.format(folder=folder)).outcome
    assert outcome.status == "crashed"
    assert outcome.reason == "The trial's process was killed by SIGKILL before it finished."
    started = [int(path.stem) for path in folder.glob("*.pid")]
    assert len(started) == 2
    deadline = time.monotonic() + 5
    while any(map(_lives, started)) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert not [pid for pid in started if _lives(pid)]


def _lives(pid):
    return psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE


def test_a_child_that_cannot_be_started_is_a_row(monkeypatch, tmp_path):
    monkeypatch.setattr(sys, "executable", str(tmp_path / "no-python"))
    monkeypatch.setattr(executor, "write_json", lambda *_: None)
    monkeypatch.setattr(executor, "Job", lambda work: SimpleNamespace(model_dump=lambda mode: {}))
    requests = [Request(str(n), tmp_path / str(n), None, Limits(9, 9), 1) for n in range(2)]
    events = list(Local(1).run(requests))
    assert [type(event) for event in events] == [Started, Ended] * 2
    assert "The job could not be started: [Errno 2]" in events[1].result.outcome.reason
