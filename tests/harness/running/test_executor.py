"""Executors yield what happens to each job, and end the jobs of a run that is stopped."""

import sys

import psutil
import pytest
from archarena.harness.planning.job import ClassLocation, PrepareJob
from archarena.harness.running import child
from archarena.harness.running.child import Limits
from archarena.harness.running.executor import Ended, Inline, Local, Request, Started, Tick


@pytest.fixture
def make_request(tmp_path, toy_task):
    def make(seed: int) -> Request:
        source = ClassLocation(kind="task", name="toy", class_name="Toy", file=toy_task, module=None)
        job = PrepareJob(
            task=source,
            tier="smoke",
            seed=seed,
            data=tmp_path,
            target=tmp_path / f"arrays-{seed}",
            with_reference_scores=False,
        )
        return Request(f"toy s{seed}", tmp_path / f"job-{seed}", job, Limits(60, 4 * 2**30), threads=1)

    return make


@pytest.mark.parametrize("executor", [Local(2), Inline()], ids=["local", "inline"])
def test_every_job_starts_once_and_then_ends_once(executor, make_request, tmp_path):
    requests = [make_request(0), make_request(1)]
    seen = [event for event in executor.run(requests) if not isinstance(event, Tick)]
    for request in requests:
        started, ended = [event for event in seen if event.request == request]
        assert (type(started), type(ended)) == (Started, Ended)
        assert ended.result.outcome.status == "ok", ended.result.log_tail
        assert (request.work.target / "meta.json").is_file()


def test_closing_the_events_ends_the_jobs_that_run(make_request, monkeypatch):
    monkeypatch.setattr(sys, "executable", _sleeper(make_request(0).folder.parent))
    monkeypatch.setenv("ARCHARENA_SPAWN", "1")
    monkeypatch.setattr(child, "_END_SECONDS", 0.1)  # the sleeper does not watch its input as a supervisor does
    before = psutil.Process().children()
    events = Local(1).run([make_request(0), make_request(1)])
    assert next(events) == Started(make_request(0))
    (process,) = set(psutil.Process().children()) - set(before)
    events.close()
    assert not process.is_running()
    assert list(events) == []


def _sleeper(folder):
    """Return an executable that sleeps, whatever its arguments."""
    path = folder / "sleeper"
    path.write_text("#!/bin/sh\nexec sleep 600\n")
    path.chmod(0o755)
    return str(path)
