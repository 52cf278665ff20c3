"""Properties of every generated task and of digits: random streams, shapes, no test row in training."""

from pathlib import Path

import numpy as np
import pytest
from archarena.harness import Binary, Budget, Classes, PerPosition, Split, Splits, Streams, Task, Tokens, get_task
from archarena.harness.contract.metrics import METRICS
from archarena.harness.data.seeds import generator

NAMES = [
    "recall-mqar", "recall-mqar-mixed", "recall-single", "recall-single-grid", "recall-induction", "recall-a5",
    "recall-copying", "recall-signature-area", "recall-signature-volume", "recall-noisy", "recall-fuzzy",
    "recall-memorization", "recall-compression", "state-parity",
    "state-arithmetic", "state-s3", "state-s5", "lra-listops", "lra-text-synthetic", "lra-pathfinder",
    "ctr-synthetic", "digits", "digits-image", "math-modular-addition",
]  # fmt: skip
TIERS = ["smoke", "quick", "standard", "full"]


@pytest.fixture(scope="module", params=NAMES)
def task(request: pytest.FixtureRequest) -> Task:
    cls = get_task(request.param)
    return cls(**cls.arguments["smoke"])


def draw(task: Task, seed: int) -> Splits:
    return task.splits(Path(), Streams(train=generator("train", seed), fixed=generator("fixed")))


def parts(splits: Splits) -> dict[str, Split]:
    return {"train": splits.train, "valid": splits.valid, **splits.tests}


def same(a: Split, b: Split) -> bool:
    inputs = all(np.array_equal(a.inputs[name], b.inputs[name]) for name in a.inputs)
    return inputs and np.array_equal(a.targets, b.targets)


def row_bytes(split: Split) -> list[bytes]:
    (array,) = [array for name, array in split.inputs.items() if name != "lengths"]
    return [row.tobytes() for row in array]


def test_the_same_streams_give_the_same_bits(task: Task):
    first, second = parts(draw(task, 0)), parts(draw(task, 0))
    assert first.keys() == second.keys()
    assert all(same(first[name], second[name]) for name in first)


def test_a_seed_moves_the_training_rows_alone(task: Task):
    first, second = draw(task, 0), draw(task, 1)
    assert same(first.valid, second.valid)
    assert all(same(first.tests[name], second.tests[name]) for name in first.tests)
    is_real_data = task.registered_name in ("digits", "digits-image")
    assert same(first.train, second.train) == is_real_data


def test_no_test_or_validation_row_is_trained_on(task: Task):
    if isinstance(task.spec.outputs, Binary):
        pytest.skip("clicks are drawn independently, so ids may recur")
    splits = draw(task, 0)
    trained = set(row_bytes(splits.train))
    for split in (splits.valid, *splits.tests.values()):
        assert not trained.intersection(row_bytes(split))
    valid = set(row_bytes(splits.valid))
    assert all(not valid.intersection(row_bytes(split)) for split in splits.tests.values())


def test_arrays_keep_to_the_spec(task: Task):
    spec = task.spec
    for split in parts(draw(task, 0)).values():
        assert all(len(array) == len(split) for array in (*split.inputs.values(), split.targets))
        if isinstance(spec.inputs, Tokens):
            tokens, lengths = split.inputs["tokens"], split.inputs["lengths"]
            assert tokens.shape[1] <= spec.inputs.length
            assert 0 <= tokens.min() <= tokens.max() < spec.inputs.vocab_size
            assert 0 < lengths.min() <= lengths.max() <= tokens.shape[1]
            assert not tokens[np.arange(tokens.shape[1]) >= lengths[:, None]].any()
        if isinstance(spec.outputs, PerPosition):
            assert split.targets.shape == split.inputs["tokens"].shape
            assert set(np.unique(split.targets)) <= {-100, *range(spec.outputs.n)}
            assert (split.targets != -100).any(axis=1).all()
        if isinstance(spec.outputs, Classes):
            assert set(np.unique(split.targets)) == set(range(spec.outputs.n))


def test_the_longest_test_fills_the_declared_length(task: Task):
    if isinstance(task.spec.inputs, Tokens):
        widths = [split.inputs["tokens"].shape[1] for split in parts(draw(task, 0)).values()]
        assert max(widths) == task.spec.inputs.length


def test_every_tier_can_be_made(task: Task):
    cls = type(task)
    assert list(cls.arguments) == list(cls.budgets) == TIERS
    for tier in TIERS:
        spec = cls(**cls.arguments[tier]).spec
        assert (type(spec.inputs), type(spec.outputs)) == (type(task.spec.inputs), type(task.spec.outputs))
        assert isinstance(cls.budgets[tier], Budget)


def test_evaluations_name_metrics_and_test_sets(task: Task):
    splits = draw(task, 0)
    for evaluation in task.evaluations:
        assert evaluation.metric in METRICS
        assert evaluation.test in splits.tests
    assert len({evaluation.name for evaluation in task.evaluations}) == len(task.evaluations)


def test_reference_scores_are_finite_and_belong_to_columns(task: Task):
    columns = {evaluation.name for evaluation in task.evaluations}
    for score in task.reference_scores(draw(task, 0)):
        assert score.evaluation in columns
        assert np.isfinite(score.value)
