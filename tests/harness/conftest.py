"""A tiny task and tiny models in plugin files, so that a run takes a second or two."""

from __future__ import annotations

from pathlib import Path

import pytest

TASK = '''
import numpy as np
from archarena.harness import Budget, Classes, Evaluation, ReferenceScore, Split, Splits, Task, TaskSpec, Tokens
from archarena.harness import register_task


def rows(generator, count):
    """Say which half of the alphabet the first token is from."""
    tokens = generator.integers(1, 9, (count, 12), dtype=np.uint8)
    return Split({"tokens": tokens, "lengths": np.full(count, 12)}, (tokens[:, 0] > 4).astype(np.int64))


@register_task("toy", summary="Which half the first token is from.", suites=("toys",))
class Toy(Task):
    arguments = {"smoke": {"count": 64}, "quick": {"count": 256}}
    budgets = {"smoke": Budget(20, 8), "quick": Budget(60, 16)}
    evaluations = (Evaluation("accuracy", "Share of right rows.", chance=0.5, ceiling=1.0),)

    def __init__(self, *, count):
        self.count = count

    @property
    def spec(self):
        return TaskSpec(Tokens(9, 12), Classes(2))

    def splits(self, data, streams):
        tests = {"test": rows(streams.fixed, 50)}
        return Splits(rows(streams.train, self.count), rows(streams.fixed, 40), tests)

    def reference_scores(self, splits):
        share = float(splits.tests["test"].targets.mean())
        return [ReferenceScore("", "majority", max(share, 1 - share))]
'''

MODEL = """
import torch
from archarena.harness import SequenceModel, register_model


@register_model("{name}", summary="A test model.", family="test")
class Model(SequenceModel):
    def __init__(self, width, *, scale: float = 1.0):
        super().__init__()
        self.first = torch.nn.Linear(width, width)
        self.dropout = torch.nn.Dropout(0.1)
        self.scale = scale

    def forward(self, x, lengths=None):
        {body}
        return self.scale * self.dropout(torch.tanh(self.first(x)))
"""


@pytest.fixture
def toy_task(tmp_path: Path) -> Path:
    """Return a plugin file with the task ``toy``."""
    path = tmp_path / "toy_task.py"
    path.write_text(TASK)
    return path


@pytest.fixture
def make_model(tmp_path: Path):
    """Return a function that writes a plugin file with a model whose forward pass starts with `body`."""

    def make(name: str = "good", body: str = "pass") -> Path:
        path = tmp_path / f"{name}_model.py"
        path.write_text(MODEL.format(name=name, body=body))
        return path

    return make
