"""Take sample test rows from a task's prepared arrays."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ..contract.metrics import IGNORE
from ..contract.spec import spec_from_json
from ..contract.task import Split
from ..planning.cell import PlannedTask
from ..records.samples import SampleCard, SampleRow
from .arrays import load_array, load_arrays
from .prepare import read_meta

MOST_ROWS, FEWEST_ROWS = 16, 3
MOST_NUMBERS = 20_000
"""Rows are taken until they have about this many numbers together; at least `FEWEST_ROWS`."""


def sample_card(task: PlannedTask, arrays: Path) -> SampleCard | None:
    """Return sample rows of the first evaluation's test set, or None if the task's rows may not be shown."""
    first = task.task.evaluations[0]
    if not task.task.shown_as or first.readout != "outputs":
        return None
    inputs = load_arrays(arrays / "tests" / first.test / "inputs")
    split = Split(inputs, load_array(arrays / "answers" / first.test / "targets.npy"))
    per_position = spec_from_json(read_meta(arrays).spec).per_position
    numbers = sum(array[:1].size for array in inputs.values())
    count = min(len(split), MOST_ROWS, max(FEWEST_ROWS, MOST_NUMBERS // max(1, numbers)))
    return SampleCard(
        task=task.name,
        tier=task.tier.name,
        shown_as=task.task.shown_as,
        names=list(task.task.token_names),
        predictions=first.predictions,
        rows=_rows(split, count, per_position),
    )


def _rows(split: Split, count: int, per_position: bool) -> list[SampleRow]:
    """Return the first rows. They are in random order, and predictions of the first rows are always kept."""
    rows, first = [], 0
    for row in range(count):
        inputs = {name: array[row].tolist() for name, array in split.inputs.items()}
        target, positions = split.targets[row], []
        if per_position:
            positions = np.flatnonzero(np.asarray(target) != IGNORE).tolist()
            target = np.asarray(target)[positions]
        rows.append(SampleRow(row=row, inputs=inputs, target=target.tolist(), positions=positions, first=first))
        first += len(positions) if per_position else 1
    return rows
