"""``archarena bench ensemble``: a training step of several seeds together, against one step of each alone."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch

from ..assembly.build import build
from ..assembly.sizing import fit_width
from ..contract.registry import get_model
from ..contract.spec import Binary, Classes, Fields, Image, Size, TaskSpec
from ..contract.task import Budget
from ..planning.recipe import PROTOCOL
from ..planning.tier import Tier
from ..training.attempt import Attempt, TrialSetting
from ..training.ensemble import Stack
from ..training.rows import Rows
from .timing import Call, CpuClock, race

MODELS = ("mlp", "finalmlp", "dnn", "fm", "s4d", "mamba", "transformer")
MEMBERS = (1, 2, 4, 8)
FIELDS = (50,) * 8
TASKS = {
    "images of 8 x 8, batch 64": (TaskSpec(Image(1, 8, 8), Classes(10)), 64),
    "clicks of 8 fields, batch 128": (TaskSpec(Fields(FIELDS), Binary()), 128),
}
"""The sizes of the tasks digits and ctr-synthetic; a sequence model sees only the images."""


def bench_ensemble(names: Sequence[str], tier: Tier, *, seconds: float) -> Iterator[list[dict[str, Any]]]:
    """Yield the rows of each model and task: seconds per member and step, and their ratio to a separate step."""
    for name in names:
        cls = get_model(name)
        for task, (spec, batch) in TASKS.items():
            if cls.supports(spec) is None and not (task.startswith("clicks") and _is_sequence_model(cls)):
                yield _rows(name, cls, task, spec, batch, tier, seconds)


def _is_sequence_model(cls: type) -> bool:
    from ..contract.model import SequenceModel

    return issubclass(cls, SequenceModel)


def _rows(
    name: str, cls: type, task: str, spec: TaskSpec, batch: int, tier: Tier, seconds: float
) -> list[dict[str, Any]]:
    fit = fit_width(cls, spec, tier.depth, tier.body_parameters, {})
    make = partial(build, cls, spec, Size(fit.width, tier.depth), **fit.slack)
    rows = _random_rows(spec, batch)
    setting = TrialSetting(
        spec=spec,
        recipe=tier.recipe,
        budget=Budget(10_000, batch),
        metric="accuracy",
        train=rows,
        valid=rows,
        order_seed=0,
        autocast=False,
        compile=False,
        report=lambda step: None,
    )
    chosen = torch.arange(batch)
    with tempfile.TemporaryDirectory() as folder:

        def attempts(count: int) -> list[Attempt]:
            return [Attempt(setting, 1e-3, make, Path(folder) / "none") for _ in range(count)]

        [alone] = attempts(1)
        calls: dict[str, Call] = {"separate": lambda _: alone.step(alone.model, chosen)}
        for count in MEMBERS:
            stack = Stack(attempts(count))
            for attempt in stack.attempts:
                attempt.model.train()
            calls[str(count)] = lambda _, stack=stack, count=count: stack.step([chosen] * count)
        alone.model.train()
        timed = race(calls, CpuClock(), seconds=seconds)
    separate = timed["separate"]
    return [
        {
            "model": name,
            "task": task,
            "width": fit.width,
            "body_parameters": fit.body,
            "members": count,
            "separate_seconds": separate.seconds,
            "seconds": timed[str(count)].seconds / count,
            "ratio": timed[str(count)].seconds / count / separate.seconds,
            "median_ratio": timed[str(count)].median / count / separate.median,
            "protocol": PROTOCOL,
        }
        for count in MEMBERS
    ]


def _random_rows(spec: TaskSpec, count: int) -> Rows:
    draw = np.random.default_rng(0)
    if isinstance(spec.inputs, Fields):
        ids = draw.integers(1, min(spec.inputs.cardinalities), (count, len(spec.inputs.cardinalities), 1))
        return Rows({"ids": ids}, draw.integers(0, 2, count).astype(np.float32), torch.device("cpu"))
    pixels = draw.normal(size=(count, 1, 8, 8)).astype(np.float32)
    return Rows({"pixels": pixels}, draw.integers(0, 10, count), torch.device("cpu"))
