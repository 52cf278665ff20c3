"""Run jobs: in several child processes at a time, or in this process for debugging."""

from __future__ import annotations

import time
from collections.abc import Generator, Iterable, Sequence
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from ..files import write_json
from ..planning.job import JOB, LOG, Job, PrepareJob, TrainJob
from ..records.record import Outcome
from .child import Child, Limits, tail

_POLL_SECONDS = 0.05


@dataclass(frozen=True)
class Request:
    """A job with its working folder, limits and number of threads."""

    name: str
    folder: Path
    work: PrepareJob | TrainJob
    limits: Limits
    threads: int


@dataclass(frozen=True)
class Result:
    """The outcome of a job, the end of its log and its peak memory in bytes."""

    outcome: Outcome
    log_tail: str = ""
    peak_rss: int = 0


@dataclass(frozen=True)
class Started:
    """A job has started."""

    request: Request


@dataclass(frozen=True)
class Ended:
    """A job has ended."""

    request: Request
    result: Result


@dataclass(frozen=True)
class Tick:
    """Time has passed; yielded many times per second while jobs run."""


Event = Started | Ended | Tick


class Executor(Protocol):
    """The interface between a run and the place where its jobs execute."""

    def run(self, requests: Iterable[Request]) -> Generator[Event]:
        """Run all requests and yield `Started` and `Ended` once per request, with the requests in any order.

        Closing the generator ends the jobs that are still running.
        """
        ...


class Local:
    """Runs jobs in child processes on this machine, on CPU cores or on GPUs.

    Parameters
    ----------
    jobs
        Number of jobs that run at the same time.
    gpus
        The GPUs the jobs are distributed over, named as in `CUDA_VISIBLE_DEVICES`.
    """

    def __init__(self, jobs: int, gpus: Sequence[str] = ()):
        self.slots = [gpus[index % len(gpus)] if gpus else None for index in range(jobs)]

    def run(self, requests: Iterable[Request]) -> Generator[Event]:
        """Run all requests, at most `jobs` at a time; no child process outlives the generator."""
        waiting, free = iter(requests), list(self.slots)
        running: list[tuple[Request, Child, str | None]] = []
        try:
            while True:
                while free and (request := next(waiting, None)) is not None:
                    slot = free.pop()
                    running.append((request, start(request, slot), slot))
                    yield Started(request)
                if not running:
                    return
                yield Tick()
                time.sleep(_POLL_SECONDS)
                for request, child, slot in list(running):
                    outcome = child.poll()
                    if outcome is not None:
                        running.remove((request, child, slot))
                        free.append(slot)
                        yield Ended(request, Result(outcome, tail(child.log), child.peak_rss))
        finally:
            for _, child, _ in running:
                child.kill()


def start(request: Request, device: str | None) -> Child:
    """Write the job file and start the child process."""
    write_json(request.folder / JOB, Job(work=request.work).model_dump(mode="json"))
    return Child(request.folder, request.limits, request.threads, device)


class Inline:
    """Runs jobs in this process, one after the other and without limits, for use with a debugger."""

    def run(self, requests: Iterable[Request]) -> Generator[Event]:
        """Run all requests."""
        from .worker import do

        for request in requests:
            request.folder.mkdir(parents=True, exist_ok=True)
            yield Started(request)
            log = request.folder / LOG
            with log.open("w") as file, redirect_stdout(file), redirect_stderr(file):
                outcome = do(request.work, request.folder)
            yield Ended(request, Result(outcome, tail(log)))
