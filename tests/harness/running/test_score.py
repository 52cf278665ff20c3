"""Scoring a trial's predictions against prepared arrays."""

import re

import numpy as np
import pytest
from archarena.harness.contract.metrics import METRICS
from archarena.harness.contract.registry import discover
from archarena.harness.contract.task import Split, Splits
from archarena.harness.data.arrays import save_splits
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
        return score(task, tmp_path, tmp_path / "predictions")

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
