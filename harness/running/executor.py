"""Run jobs: in several child processes at a time, or in this process for debugging."""

from __future__ import annotations

import time
from collections.abc import Generator, Iterable, Sequence
from contextlib import redirect_stderr, redirect_stdout, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from ..errors import UserError
from ..files import write_json
from ..planning.job import JOB, LOG, PROGRESS, EnsembleJob, Job, PrepareJob, TrainJob
from ..records.record import Outcome
from ..text import one_line
from .child import Child, Limits, clear, tail
from .doubts import Seen

_POLL_SECONDS = 0.05


@dataclass(frozen=True)
class Request:
    """A job with its working folder, limits and number of threads."""

    name: str
    folder: Path
    work: PrepareJob | TrainJob | EnsembleJob
    limits: Limits
    threads: int


@dataclass(frozen=True)
class Result:
    """The outcome of a job, the end of its log, its peak memory in bytes, and what else its parent saw."""

    outcome: Outcome
    log_tail: str = ""
    peak_rss: int = 0
    seen: Seen = field(default_factory=Seen)


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
                    child = start(request, free[-1])
                    if isinstance(child, Child):
                        running.append((request, child, free.pop()))
                    yield Started(request)
                    if isinstance(child, Result):
                        yield Ended(request, child)
                if not running:
                    return
                yield Tick()
                time.sleep(_POLL_SECONDS)
                for request, child, slot in list(running):
                    outcome = child.poll()
                    if outcome is not None:
                        running.remove((request, child, slot))
                        free.append(slot)
                        yield Ended(request, Result(outcome, child.log_tail, child.peak_rss, child.seen))
        finally:
            end_all([child for _, child, _ in running])


def start(request: Request, device: str | None) -> Child | Result:
    """Write the job file and start the child process; return why, if that fails."""
    try:
        clear_all(request)
        write_json(request.folder / JOB, Job(work=request.work).model_dump(mode="json"))
        return Child(request.folder, request.limits, request.threads, device)
    except (OSError, UserError) as error:
        return Result(Outcome(status="crashed", reason=one_line(f"The job could not be started: {error}")))


def clear_all(request: Request) -> None:
    """Clear the folders of a request: its own, and those of the cells that it trains together."""
    for folder in [request.folder, *(request.work.folders if isinstance(request.work, EnsembleJob) else ())]:
        clear(folder)


def end_all(children: Sequence[Child]) -> None:
    """End children: the input of all is closed before waiting for any, in case one cannot be ended."""
    for step in (Child.end, Child.kill):
        for child in children:
            with suppress(Exception):
                step(child)


class Inline:
    """Runs jobs in this process, one after the other and without limits, for use with a debugger."""

    def run(self, requests: Iterable[Request]) -> Generator[Event]:
        """Run all requests."""
        from .worker import do

        for request in requests:
            clear_all(request)
            resumed, started = (request.folder / PROGRESS).exists(), time.monotonic()
            yield Started(request)
            log = request.folder / LOG
            with log.open("w") as file, redirect_stdout(file), redirect_stderr(file):
                outcome = do(request.work, request.folder)
            yield Ended(request, Result(outcome, tail(log), seen=Seen(time.monotonic() - started, resumed)))
