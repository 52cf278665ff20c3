"""The child process: ``python -m archarena.harness.running.worker FOLDER`` runs the job in that folder.

It reads ``job.json`` and writes ``outcome.json`` last. Outside its folder, it writes only the
prepared arrays that the job asks for.
"""

from __future__ import annotations

import os
import sys
import threading
import traceback
from pathlib import Path
from typing import TYPE_CHECKING, cast

from ..errors import UserError, is_out_of_memory
from ..files import write_json
from ..planning.job import JOB, OUTCOME, Job, PrepareJob, TrainJob
from ..records.record import Outcome

if TYPE_CHECKING:
    from ..contract.task import Task


def main(folder: Path) -> None:
    """Run the job in `folder` and write its outcome."""
    job = Job.model_validate_json((folder / JOB).read_text()).work
    outcome = do(job, folder)
    write_json(folder / OUTCOME, outcome.model_dump(mode="json"))


def do(job: PrepareJob | TrainJob, folder: Path) -> Outcome:
    """Run a job and return its outcome; exceptions are turned into a status, a reason and log output."""
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
    cls = cast("type[Task]", source.load())
    entry = Entry("task", source.name, source.class_name, {}, source.file, source.module)
    task = PlannedTask(entry, cls(**cls.arguments[tier.name]), tier)
    prepare(task, job.seed, job.data, job.target, with_reference_scores=job.with_reference_scores)
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
    """Exit when standard input closes, which happens whenever the parent ends, even after a crash."""
    while os.read(0, 1):
        pass
    os._exit(1)


if __name__ == "__main__":
    threading.Thread(target=_die_with_parent, daemon=True).start()
    main(Path(sys.argv[1]))
