"""Make the records in leaderboard/records anew: ``make records``.

Cells that already have a record of the current code are skipped, so this can be stopped and started again at any
time, also in another clone. After each task, older records of the same cells are deleted and the new ones committed.
"""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from archarena.harness.contract.data_source import MissingDataError, data_folder
from archarena.harness.contract.registry import discover
from archarena.harness.planning.find import name_of
from archarena.harness.planning.plan import plan_task
from archarena.harness.planning.tier import get_tier
from archarena.harness.records.record import Record
from archarena.harness.records.store import ResultStore

FOLDER = Path(__file__).parents[2] / "leaderboard" / "records"
CORE = ("mamba", "tcnca", "monet", "finalmlp", "transformer", "mlp")
OTHERS = ("mamba2", "gla", "s4d", "mega", "linear-cde", "dcnv2")
"""Models with three seeds of the battery."""


def commands() -> Iterator[tuple[str, Sequence[str]]]:
    """Yield the folder of each group of kept records and the options of a run, most wanted first."""
    battery = [entry.name for entry in discover().suite("quick")]
    for models, seeds in ((CORE, 5), (OTHERS, 3)):
        for task in battery:
            yield "battery", [*_repeated("--model", models), "--task", task, "--seeds", str(seeds)]
    for options in _known_behaviours():
        yield "known-behaviours", options.split()
    for model in ("dnn", "finalmlp"):
        yield "frappe-vt-3-seeds", f"--model {model} --task ctr-frappe-vt --recipe published --seeds 3".split()


def _known_behaviours() -> Iterator[str]:
    yield "--model dcnv2 --model fm --model lr --task ctr-synthetic --seeds 3"
    yield "--model pi-net-conv --set pi-net-conv.products=True,False --task mnist --seeds 3"
    yield "--model linear-cde --set linear-cde.depth=1 --task recall-a5 --seeds 3"
    yield "--model mamba --set mamba.depth=1,2 --task recall-a5 --seeds 3"
    yield "--model mamba --set mamba.d_conv=0 --task recall-mqar --seeds 3"
    yield "--model s4d --task recall-mqar --seeds 3"
    yield "--model mamba --task recall-signature-area --seeds 3"
    yield "--model linear-cde --set linear-cde.trained=False --task recall-signature-area --seeds 3"
    yield "--model s4d --set s4d.nonlinear=False --task recall-signature-area --seeds 3"
    yield "--model linear-cde --task recall-signature-area --tier full --recipe published"


def _repeated(option: str, values: Sequence[str]) -> list[str]:
    return [word for value in values for word in (option, value)]


def superseded(folder: Path) -> list[Path]:
    """Return the files of records whose cell has a newer record in the same results folder."""
    store = ResultStore(folder)
    records = sorted(store.read(), key=lambda record: record.order)
    newest = {name_of(record): record for record in records}
    older = [record for record in records if newest[name_of(record)] is not record]
    return [path for record in older for path in (store.path_of(record), *_artifacts(folder, record))]


def _artifacts(folder: Path, record: Record) -> list[Path]:
    return [folder / artifact.file for artifact in record.artifacts]


def commit(folder: Path, message: str) -> None:
    """Commit the changes of a folder of kept records, if there are any."""
    git = ["git", "-C", str(folder)]
    subprocess.run([*git, "add", "--all", "."], check=True)
    if subprocess.run([*git, "diff", "--cached", "--quiet", "--", "."]).returncode:
        subprocess.run([*git, "commit", "--quiet", "--message", message, "--", "."], check=True)


def main() -> None:
    began = time.monotonic()
    for name, options in commands():
        task = options[options.index("--task") + 1]
        try:
            plan_task(discover().find("task", task), get_tier("quick"), data_folder())
        except MissingDataError as error:
            print(f"Left out {task}: {error}", flush=True)
            continue
        folder = FOLDER / name
        folder.mkdir(exist_ok=True)
        run = [sys.executable, "-m", "archarena.harness", "run", *options, "--device", "cpu", "--results", str(folder)]
        done = subprocess.run([*run, "--allow-failures"])
        if done.returncode:
            sys.exit(done.returncode)
        for file in superseded(folder):
            file.unlink(missing_ok=True)
        commit(folder, f"Keep records of {task} in {name}")
        print(f"{(time.monotonic() - began) / 3600:.2f} hours", flush=True)


if __name__ == "__main__":
    main()
