"""The child process of a job, which calls `main` with the job's folder.

`archarena.harness.processes.process_tree` supervises it. It reads ``job.json`` and writes ``outcome.json`` last.
Outside its folder, it writes only the prepared arrays that the job asks for, or the folders of the cells that it trains
together.
"""

from __future__ import annotations

import sys
import traceback
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from ..contract.scan import describe
from ..errors import UserError, is_out_of_memory
from ..files import write_json
from ..planning.job import JOB, OUTCOME, EnsembleJob, Job, PrepareJob, TrainJob
from ..records.record import Outcome
from ..text import one_line

_TRACEBACK_CHARACTERS = 1_000_000
"""A message may be huge, and the log is limited."""


def main(place: str) -> None:
    """Run the job in a folder and write its outcome."""
    folder = Path(place)
    job = Job.model_validate_json((folder / JOB).read_text()).work
    outcome = do(job, folder)
    write_json(folder / OUTCOME, outcome.model_dump(mode="json"))


def do(job: PrepareJob | TrainJob | EnsembleJob, folder: Path) -> Outcome:
    """Run a job and return its outcome; exceptions are turned into a status, a reason and log output."""
    if isinstance(job, PrepareJob):
        return _attended(partial(_prepare, job))
    return _attended(partial(_train_together if isinstance(job, EnsembleJob) else _train, job, folder))


def _attended(run: Callable[[], Any]) -> Any:
    """Return what a function returns, or the outcome that stands for its exception."""
    try:
        return run()
    except UserError as error:
        return Outcome(status="crashed", reason=one_line(str(error)))
    except SystemExit as end:
        return Outcome(status="crashed", reason=one_line(f"The code called sys.exit({end.code!r})."))
    except Exception as error:
        print(traceback.format_exc()[:_TRACEBACK_CHARACTERS], file=sys.stderr)
        return Outcome(status="oom" if is_out_of_memory(error) else "crashed", reason=one_line(describe(error)))


def _prepare(job: PrepareJob) -> Outcome:
    from ..data.prepare import prepare
    from ..planning.cell import PlannedTask
    from ..planning.tier import get_tier

    task = PlannedTask.of(job.task.entry, get_tier(job.tier))
    prepare(task, job.seed, job.data, job.target, with_reference_scores=job.with_reference_scores)
    return Outcome(status="ok")


def _train(job: TrainJob, folder: Path) -> Outcome:
    import torch

    from ..planning.tier import get_tier
    from ..training.phases import take_seconds
    from ..training.trial import run_trial

    torch.set_num_threads(get_tier(job.tier).threads)
    take_seconds()
    outcome = run_trial(job, folder)
    return _with_phases(outcome, take_seconds())


def _train_together(job: EnsembleJob, folder: Path) -> Outcome:
    """Write the outcome of each member to the member's folder."""
    import torch

    from ..planning.tier import get_tier
    from ..training.phases import take_seconds
    from ..training.trial import run_trials

    torch.set_num_threads(get_tier(job.trials[0].tier).threads)
    take_seconds()
    outcomes = run_trials(job, _attended)
    shares = {name: seconds / len(outcomes) for name, seconds in take_seconds().items()}
    for outcome, place in zip(outcomes, job.folders, strict=True):
        write_json(place / OUTCOME, _with_phases(outcome, shares).model_dump(mode="json"))
    return Outcome(status="ok")


def _with_phases(outcome: Outcome, seconds: dict[str, float]) -> Outcome:
    return outcome.model_copy(update={"cost": outcome.cost.model_copy(update={"phases": seconds})})
