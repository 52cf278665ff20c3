"""Scoring a trial's predictions against prepared arrays."""

import re
from dataclasses import replace

import numpy as np
import pytest
from archarena.harness.contract.metrics import METRICS
from archarena.harness.contract.registry import discover
from archarena.harness.contract.task import Split, Splits
from archarena.harness.data.arrays import save_splits
from archarena.harness.data.prepare import prepare
from archarena.harness.errors import UserError
from archarena.harness.planning.plan import plan_task
from archarena.harness.planning.tier import get_tier
from archarena.harness.running.score import VALIDATION, NotFiniteError, readouts, score
from safetensors.numpy import save_file


@pytest.fixture
def scored(tmp_path):
    """Return the click task, the folder of its arrays, and a function that scores logits from a file."""
    task = plan_task(discover().find("task", "ctr-synthetic"), get_tier("smoke"), tmp_path)
    draw = np.random.default_rng(0)
    rows = {
        n: Split({"ids": np.ones((n, 8, 1), np.int8)}, draw.integers(2, size=n).astype(np.float32)) for n in (60, 90)
    }
    save_splits(tmp_path, task.task.spec, Splits(rows[60], rows[60], {"test": rows[90]}), task.task.evaluations)

    def scores(**logits: np.ndarray):
        save_file({name.replace("_", "."): array for name, array in logits.items()}, tmp_path / "predictions")
        return score(task, tmp_path, tmp_path / "predictions")[0]

    return task, rows, scores


def test_validation_rows_are_read_where_a_metric_is_calibrated_on_them(scored):
    task, *_ = scored
    assert [(readout.name, readout.split) for readout in readouts(task)] == [
        ("test.outputs", "tests/test"),
        (VALIDATION, "valid"),
    ]


def test_the_temperature_is_that_of_the_validation_rows(scored):
    _, rows, scores = scored
    logits = {name: np.random.default_rng(1).normal(size=(len(rows[n]), 1)) for name, n in (("v", 60), ("t", 90))}
    logits = {name: logits[name] + 2 * rows[n].targets[:, None] for name, n in (("v", 60), ("t", 90))}
    found = scores(test_outputs=logits["t"], validation=logits["v"])
    metric = METRICS["scaled_log_loss"]
    expected = metric.score(metric.calibrate(logits["v"], rows[60].targets)(logits["t"]), rows[90].targets)
    assert found["ctr-synthetic-logloss-scaled"].value == pytest.approx(expected)
    overconfident = scores(test_outputs=9 * logits["t"], validation=9 * logits["v"])
    assert overconfident["ctr-synthetic-logloss-scaled"].value == pytest.approx(expected)
    assert overconfident["ctr-synthetic-logloss"].value > found["ctr-synthetic-logloss"].value


def test_without_validation_predictions_the_other_columns_are_scored(scored):
    _, rows, scores = scored
    assert set(scores(test_outputs=np.zeros((len(rows[90]), 1)))) == {"ctr-synthetic", "ctr-synthetic-logloss"}


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("test_outputs", np.nan, "2 of 90 rows on test set 'test' contain NaN."),
        ("test_outputs", np.inf, "2 of 90 rows on test set 'test' contain infinity."),
        ("validation", np.nan, "2 of 60 rows on the validation set contain NaN."),
    ],
)
def test_predictions_without_a_number_are_counted(scored, name, value, says):
    *_, scores = scored
    logits = {"validation": np.zeros((60, 1)), "test_outputs": np.zeros((90, 1))}
    logits[name][[3, 30]] = value
    with pytest.raises(NotFiniteError, match=re.escape(says)):
        scores(**logits)


def test_scores_per_row_have_the_mean_of_their_column(scored, tmp_path):
    task, rows, scores = scored
    logits = np.random.default_rng(1).normal(size=(90, 1)) + rows[90].targets[:, None]
    found = scores(test_outputs=logits, validation=logits[:60])
    _, per_row = score(task, tmp_path, tmp_path / "predictions")
    assert {name: len(values) for name, values in per_row.columns.items()} == dict.fromkeys(found, 90)
    for name, values in per_row.columns.items():
        assert values.mean() == pytest.approx(found[name].value, rel=1e-3)


def test_rows_of_one_cluster_have_one_score(scored, tmp_path):
    task, rows, _ = scored
    groups = {"user": np.arange(90) // 3}
    test = Split(rows[90].inputs, rows[90].targets, groups)
    evaluations = tuple(replace(evaluation, clusters="user") for evaluation in task.task.evaluations)
    task.task.evaluations = evaluations
    save_splits(tmp_path, task.task.spec, Splits(rows[60], rows[60], {"test": test}), evaluations)
    save_file({"test.outputs": np.random.default_rng(1).normal(size=(90, 1))}, tmp_path / "predictions")
    found, per_row = score(task, tmp_path, tmp_path / "predictions")
    assert len(per_row.columns["ctr-synthetic"]) == found["ctr-synthetic"].clusters == 30
    assert found["ctr-synthetic"].rows == 90


OWN_METRIC = """
import dataclasses
from archarena.harness.contract.metrics import METRICS


def reduce(predictions, targets):
    {line}
    return METRICS["accuracy"].reduce(predictions, targets)


OWN = Evaluation(dataclasses.replace(METRICS["accuracy"], name="own", reduce=reduce), "Own.", name="own")
Toy.evaluations = (*Toy.evaluations, OWN)
"""


@pytest.mark.parametrize(
    ("line", "value", "ended"),
    [
        ("pass", 0.0, None),
        ("pass", np.nan, "50 of 50 rows on test set 'test' contain NaN"),
        ("import os; os._exit(0)", 0.0, "The code of task 'toy' that scores predictions exited with code 0"),
        ("import sys; sys.exit(0)", 0.0, "cannot be scored: SystemExit: 0"),
        ("while True: pass", 0.0, "did not finish within 4 s"),
    ],
)
def test_a_plugins_own_metric_can_neither_end_nor_hang_the_run(toy_task, tmp_path, monkeypatch, line, value, ended):
    if "while" in line:
        monkeypatch.setattr("archarena.harness.running.score._SCORE_SECONDS", 4.0)
    toy_task.write_text(toy_task.read_text() + OWN_METRIC.format(line=line))
    task = plan_task(discover([toy_task]).find("task", "toy"), get_tier("smoke"), tmp_path)
    prepare(task, 0, tmp_path, tmp_path / "arrays", with_reference_scores=False)
    save_file({"test.outputs": np.full((50, 2), value, np.float32)}, tmp_path / "predictions")
    if ended is None:
        scores, per_row = score(task, tmp_path / "arrays", tmp_path / "predictions")
        assert scores["toy-own"].value == scores["toy"].value
        assert per_row.columns["toy-own"].mean() == pytest.approx(scores["toy"].value)
        return
    with pytest.raises(NotFiniteError if np.isnan(value) else UserError, match=ended):
        score(task, tmp_path / "arrays", tmp_path / "predictions")
