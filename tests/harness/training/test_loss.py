"""Losses and predictions for each kind of output, compared with values computed by hand."""

import numpy as np
import pytest
import torch
from archarena.harness import Binary, Classes, Fields, Labels, NextToken, PerPosition, Regression, TaskSpec, Tokens
from archarena.harness.contract.metrics import METRICS
from archarena.harness.training.loss import loss_function
from archarena.harness.training.predict import log_likelihoods, predict
from archarena.harness.training.rows import Rows
from torch import nn

TOKENS = Tokens(4, 3)
CPU = torch.device("cpu")


class Constant(nn.Module):
    """Returns the same logits for every row or position."""

    def __init__(self, logits, per_position: bool):
        super().__init__()
        self.logits, self.per_position = torch.tensor(logits), per_position

    def forward(self, tokens, lengths=None, scored=None):
        shape = tokens.shape if self.per_position else tokens.shape[:1]
        outputs = self.logits.expand(*shape, -1)
        return outputs if scored is None else outputs[scored]


def test_each_kind_of_output_has_its_mean_loss():
    log = np.log
    logits = torch.log(torch.tensor([[0.5, 0.25, 0.25]]))
    assert loss_function(TaskSpec(TOKENS, Classes(3)))(logits, torch.tensor([1])).item() == pytest.approx(log(4))
    per_position = loss_function(TaskSpec(TOKENS, PerPosition(3)))
    assert per_position(logits[None].expand(1, 3, 3), torch.tensor([[0, -100, 1]])).item() == pytest.approx(
        (log(2) + log(4)) / 2
    )
    labels = loss_function(TaskSpec(TOKENS, Labels(2, 3)))
    assert labels(logits.repeat(1, 2), torch.tensor([[0, 1]])).item() == pytest.approx((log(2) + log(4)) / 2)
    binary = loss_function(TaskSpec(Fields((2,)), Binary()))
    assert binary(torch.zeros(2, 1), torch.tensor([0.0, 1.0])).item() == pytest.approx(log(2))
    squared = loss_function(TaskSpec(TOKENS, Regression(1)))
    assert squared(torch.tensor([[1.0]]), torch.tensor([[3.0]])).item() == pytest.approx(4.0)


def test_positions_are_read_only_where_they_are_scored():
    inputs = {"tokens": np.ones((2, 3), np.int16), "scored": np.array([[True, False, False], [True, True, False]])}
    model = Constant([0.0, 1.0, 0.0, 0.0], per_position=True)
    predictions, loss = predict(model, Rows(inputs, None, CPU), TaskSpec(TOKENS, PerPosition(4)), size=1)
    assert predictions.shape == (3, 4)
    assert np.isnan(loss)


def test_next_tokens_are_read_as_nats_and_zero_where_ignored():
    rows = Rows({"tokens": np.ones((1, 3), np.uint8)}, np.array([[1, -100, 2]]), CPU)
    model = Constant([0.0, 0.0, 0.0, 0.0], per_position=True)
    nats, loss = predict(model, rows, TaskSpec(TOKENS, NextToken(4)), size=8)
    assert nats == pytest.approx(np.array([[np.log(4), 0, np.log(4)]]))
    assert loss == pytest.approx(np.log(4))


def test_a_candidate_is_ranked_by_the_sum_over_its_own_tokens():
    inputs = {"tokens": np.ones((2, 3), np.uint8), "candidates": np.array([[-100, 1, 2], [-100, -100, 3]])}
    model = Constant(np.log([0.1, 0.2, 0.3, 0.4]).tolist(), per_position=True)
    found = log_likelihoods(model, Rows(inputs, None, CPU), size=1)
    assert found == pytest.approx([np.log(0.2) + np.log(0.3), np.log(0.4)])


@pytest.mark.parametrize("dtype", [np.uint8, np.int16, np.uint16, np.int32, np.int64])
def test_batches_are_int64_whatever_was_stored(dtype):
    inputs, targets = Rows({"tokens": np.array([[3]], dtype)}, np.array([1], dtype), CPU).batch(slice(0, 1))
    assert (inputs["tokens"].dtype, targets.dtype) == (torch.int64, torch.int64)
    assert inputs["tokens"].item() == 3


@pytest.mark.parametrize("rows", [slice(1, 4), torch.tensor([3, 0, 3])], ids=["slice", "indices"])
def test_a_split_too_large_to_hold_gives_the_same_batches_from_its_arrays(rows, monkeypatch):
    inputs = {"tokens": np.arange(20, dtype=np.uint16).reshape(5, 4), "values": np.random.rand(5, 2)}
    targets = np.arange(5, dtype=np.int8)
    held = Rows(inputs, targets, CPU)
    monkeypatch.setattr("archarena.harness.training.rows.RESIDENT_BYTES", 10)
    mapped = Rows(inputs, targets, CPU)
    assert (held.resident, mapped.resident) == (True, False)
    assert mapped.inputs["tokens"] is inputs["tokens"]
    (expected, labels), (found, same_labels) = held.batch(rows), mapped.batch(rows)
    for name in inputs:
        assert found[name].dtype == expected[name].dtype
        assert torch.equal(found[name], expected[name])
    assert torch.equal(labels, same_labels)
    assert np.array_equal(mapped.target_array(), held.target_array())


def test_with_many_classes_a_position_the_highest_is_kept_in_place_of_all_logits():
    spec = TaskSpec(TOKENS, PerPosition(300))
    logits = np.zeros(300, np.float32)
    logits[217] = 1.0
    targets = np.array([[217, -100, 5]])
    predictions, _ = predict(Constant(logits.tolist(), True), Rows({"tokens": np.ones((1, 3))}, targets, CPU), spec, 2)
    assert predictions.tolist() == [217, 217]
    assert METRICS["position_accuracy"].score(predictions, targets) == 0.5
    logits[0] = np.nan
    predictions, _ = predict(Constant(logits.tolist(), True), Rows({"tokens": np.ones((1, 3))}, targets, CPU), spec, 2)
    assert predictions.tolist() == [-1, -1]
