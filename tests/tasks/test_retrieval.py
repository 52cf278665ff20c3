"""The task with two texts on small data in the format of the release, with every core model."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from archarena.harness import Size, build, get_model
from archarena.harness.data.prepare import streams
from archarena.harness.training.rows import Rows
from archarena.tasks.retrieval import AAN, CitedPairs
from files import papers

ROWS = {"train": 60, "valid": 20, "test": 30}


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    """Return the task, and a folder with the three files."""
    folder = tmp_path_factory.mktemp("data")
    task = CitedPairs(length=32, train=40, valid=20, test=30)
    task.dataset = replace(AAN, **papers.aan(folder, ROWS))
    return task, folder


def texts(split, side):
    rows = zip(split.inputs["tokens"][:, side], split.inputs["lengths"][:, side], strict=True)
    return [(tokens[:length] - 1).astype(np.uint8).tobytes().decode() for tokens, length in rows]


def test_both_texts_of_a_pair_are_the_heads_of_theirs_with_the_label(small):
    task, folder = small
    splits = task.splits(folder, streams("lra-retrieval", "smoke", 0))
    for part, split in (("train", splits.train), ("valid", splits.valid), ("test", splits.tests["test"])):
        for first, second, label in zip(texts(split, 0), texts(split, 1), split.targets, strict=True):
            assert first.startswith(part)
            assert second.startswith(part if label else "speech")
            assert len(first) <= 32


def test_shared_words_tell_this_small_set(small):
    task, folder = small
    references = {
        v.name: v.value for v in task.reference_scores(task.splits(folder, streams("lra-retrieval", "smoke", 0)))
    }
    assert references["majority"] == 0.5
    assert references["shared words"] > 0.9


@pytest.mark.parametrize("model", ["mamba", "tcnca", "monet", "finalmlp", "transformer", "mlp"])
@torch.no_grad()
def test_every_core_model_answers_a_pair_and_sees_both_texts(small, model):
    task, folder = small
    train = task.splits(folder, streams("lra-retrieval", "smoke", 0)).train
    built = build(get_model(model), task.spec, Size(16, 1)).eval()
    inputs, _ = Rows(train.inputs, None, torch.device("cpu")).batch(slice(4))
    answer = built(**inputs)
    assert answer.shape == (4, 2)
    for side in (0, 1):
        changed = inputs["tokens"].clone()
        changed[:, side, 0] = changed[:, side, 0] % 256 + 1
        assert not torch.allclose(answer, built(**{**inputs, "tokens": changed}))
