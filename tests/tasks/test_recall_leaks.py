"""A row does not contain its answers: tokens after a scored position do not change what models predict there."""

from pathlib import Path

import numpy as np
import pytest
import torch
from archarena.harness import Size, Streams, Tokens, build, get_model, get_task
from archarena.harness.data.seeds import generator
from archarena.harness.training.rows import Rows

TASKS = ["recall-mqar", "recall-mqar-mixed", "recall-single", "recall-single-grid", "recall-induction", "recall-a5",
         "recall-copying"]  # fmt: skip
OTHERS = ["recall-noisy", "recall-fuzzy", "recall-memorization", "state-parity", "state-arithmetic", "state-s3",
          "state-s5", "math-modular-addition"]  # fmt: skip
"""Tasks of the same form; running all models on them would show nothing new."""
MODELS = ["mamba", "tcnca", "monet", "finalmlp", "transformer", "mlp"]


def smoke(name: str):
    cls = get_task(name)
    task = cls(**cls.arguments["smoke"])
    splits = task.splits(Path(), Streams(generator("train"), generator("fixed")))
    return task.spec, splits.train


@pytest.fixture(scope="module", params=TASKS)
def case(request):
    return smoke(request.param)


@pytest.mark.parametrize("model", MODELS)
@torch.no_grad()
def test_a_later_token_changes_no_earlier_output(case, model):
    spec, train = case
    assert isinstance(spec.inputs, Tokens)
    torch.manual_seed(0)
    built = build(get_model(model), spec, Size(16, 1)).eval()
    inputs, _ = Rows(train.inputs, None, torch.device("cpu")).batch(slice(4))
    last = int(inputs["lengths"].min()) - 1
    changed = inputs["tokens"].clone()
    changed[:, last] = changed[:, last] % (spec.inputs.vocab_size - 1) + 1
    before, after = built(**inputs), built(**{**inputs, "tokens": changed})
    torch.testing.assert_close(before[:, :last], after[:, :last])
    assert not torch.equal(before[:, last], after[:, last])


@pytest.mark.parametrize("task", TASKS + OTHERS)
def test_scored_positions_do_not_hold_their_answer(task):
    """A scored token may equal its target only by chance, since keys and values may be equal."""
    _, train = smoke(task)
    tokens, targets = train.inputs["tokens"], train.targets
    row, column = np.nonzero(targets != -100)
    assert np.mean(tokens[row, column] == targets[row, column]) < 0.3
