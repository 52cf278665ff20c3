from pathlib import Path

import numpy as np
from archarena.harness import Streams
from archarena.harness.data.seeds import generator
from archarena.tasks.mqar_mixed import MixedMultiQueryRecall

SIZE = {"vocab_size": 64, "trained": [[16, 2, 50], [32, 4, 30]], "tested": [[16, 2], [64, 8]], "valid": 10, "test": 20}


def test_training_rows_are_a_mix_padded_to_the_longest():
    splits = MixedMultiQueryRecall(**SIZE).splits(Path(), Streams(generator("train"), generator("fixed")))
    assert splits.train.inputs["tokens"].shape == (80, 32)
    assert splits.train.inputs["lengths"].tolist() == [16] * 50 + [32] * 30
    assert (splits.train.targets[:50, 16:] == -100).all()
    assert ((splits.train.targets != -100).sum(axis=1) == [2] * 50 + [4] * 30).all()
    assert splits.valid.inputs["lengths"].tolist() == [16] * 10 + [32] * 10


def test_each_tested_setting_is_a_column_also_beyond_the_lengths_trained_on():
    task = MixedMultiQueryRecall(**SIZE)
    splits = task.splits(Path(), Streams(generator("train"), generator("fixed")))
    assert [evaluation.name for evaluation in task.evaluations] == ["16x2", "64x8"]
    assert splits.tests["64x8"].inputs["tokens"].shape == (20, 64)
    assert task.spec.inputs.length == 64


def test_fillers_are_random_and_answers_those_of_the_pairs():
    splits = MixedMultiQueryRecall(**SIZE).splits(Path(), Streams(generator("train"), generator("fixed")))
    for row, target in zip(splits.tests["64x8"].inputs["tokens"], splits.tests["64x8"].targets, strict=True):
        value_of = dict(zip(row[:16:2].tolist(), row[1:16:2].tolist(), strict=True))
        scored = np.flatnonzero(target != -100)
        assert [value_of[key] for key in row[scored].tolist()] == target[scored].tolist()
        assert len(np.unique(row[17::2])) > 8


def test_the_published_settings_are_those_of_the_paper():
    size = MixedMultiQueryRecall.arguments["full"]
    assert sum(rows for _, _, rows in size["trained"]) == 180_000
    assert [1024, 256] in size["tested"]
