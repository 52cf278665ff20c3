"""The child process: ``python -m archarena.harness.running.worker FOLDER`` does the job written there.

It reads ``job.json``, writes ``outcome.json`` last, and touches nothing outside its folder but
the prepared arrays it was told to make.
"""

from __future__ import annotations

import os
import sys
import threading
import traceback
from pathlib import Path

from ..errors import UserError, is_out_of_memory
from ..files import write_json
from ..planning.job import JOB, OUTCOME, Job, PrepareJob, TrainJob
from ..records.record import Outcome


def main(folder: Path) -> None:
    """Do the job in `folder`."""
    job = Job.model_validate_json((folder / JOB).read_text()).work
    outcome = do(job, folder)
    write_json(folder / OUTCOME, outcome.model_dump(mode="json"))


def do(job: PrepareJob | TrainJob, folder: Path) -> Outcome:
    """Do a job; whatever it raises becomes the outcome's status, reason and log."""
    try:
        return _prepare(job) if isinstance(job, PrepareJob) else _train(job, folder)
    except UserError as error:
        return Outcome(status="crashed", reason=str(error))
    except Exception as error:
        traceback.print_exc()
        return Outcome(status="oom" if is_out_of_memory(error) else "crashed", reason=_first_line(error))


def _prepare(job: PrepareJob) -> Outcome:
    from ..contract.scan import Entry
    from ..data.prepare import prepare
    from ..planning.cell import PlannedTask
    from ..planning.tier import get_tier

    source, tier = job.task, get_tier(job.tier)
    cls = source.load()
    entry = Entry("task", source.name, source.class_name, {}, source.file, source.module)
    task = PlannedTask(entry, cls(**cls.arguments[tier.name]), tier)  # type: ignore[attr-defined]
    prepare(task, job.seed, job.data, job.target, with_levels=job.with_levels)
    return Outcome(status="ok")


def _train(job: TrainJob, folder: Path) -> Outcome:
    import torch

    from ..planning.tier import get_tier
    from ..training.trial import run_trial

    torch.set_num_threads(get_tier(job.tier).threads)
    return run_trial(job, folder)


def _first_line(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return f"{type(error).__name__}: {lines[0]}" if lines else type(error).__name__


def _die_with_parent() -> None:
    """End this process when the parent's end of standard input closes, however the parent ended."""
    while os.read(0, 1):
        pass
    os._exit(1)


if __name__ == "__main__":
    threading.Thread(target=_die_with_parent, daemon=True).start()
    main(Path(sys.argv[1]))
