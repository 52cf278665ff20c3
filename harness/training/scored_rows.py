"""The test rows on which the models of a task were scored."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from ..contract.data_source import data_folder
from ..contract.registry import discover
from ..contract.spec import TaskSpec
from ..data.arrays import with_ignored
from ..data.prepare import streams
from ..errors import UserError
from ..planning.plan import plan_task
from ..planning.tier import get_tier
from .rows import Rows


@dataclass(frozen=True)
class ScoredRows:
    """Test rows.

    Attributes
    ----------
    inputs
        Tensors by name, as a model takes them: ``model(**rows.inputs)``.
    targets
        The answers, as in `archarena.harness.contract.spec`.
    groups
        Labels per row by which scores are also reported.
    spec
        The task's inputs and outputs.
    """

    inputs: Mapping[str, Tensor]
    targets: np.ndarray
    groups: Mapping[str, np.ndarray]
    spec: TaskSpec

    def __len__(self) -> int:
        return len(self.targets)


def test_rows(
    task: str,
    *,
    tier: str = "quick",
    test: str = "test",
    plugins: Sequence[str | Path] = (),
    data: str | Path | None = None,
    device: str = "cpu",
) -> ScoredRows:
    """Return a test set of a task, in the order of the stored predictions. It does not depend on the seed.

    Parameters
    ----------
    tier
        The tier at which the model was scored.
    test
        Name of the test set.
    plugins
        Python files that register the task.
    data
        The data folder; by default ``ARCHARENA_DATA`` or the user's data directory.

    Raises
    ------
    UserError
        If there is no such task, tier or test set, or the task's data is missing.

    Examples
    --------
    >>> rows = test_rows("recall-mqar", tier="quick")
    >>> outputs = load_trained("results", "mamba/recall-mqar")(**rows.inputs)  # doctest: +SKIP
    """
    entry = discover([Path(plugin) for plugin in plugins]).find("task", task)
    folder = data_folder(data)
    planned = plan_task(entry, get_tier(tier), folder)
    splits = planned.task.splits(folder, streams(planned.name, tier, 0))
    spec, splits = with_ignored(planned.task.spec, splits)
    if test not in splits.tests:
        raise UserError(f"Task '{task}' has no test set '{test}'. Known: {', '.join(splits.tests)}.")
    split = splits.tests[test]
    arrays = {name: np.asarray(array) for name, array in split.inputs.items() if name not in ("text", "candidates")}
    inputs, _ = Rows(arrays, None, torch.device(device)).batch(slice(None))
    return ScoredRows(inputs, np.asarray(split.targets), dict(split.groups), spec)


test_rows.__test__ = False  # pytest would collect it where it is imported
