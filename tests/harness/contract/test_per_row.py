"""Values per row have the score as their mean, and their spread is that of the score."""

import dataclasses

import numpy as np
import pytest
from archarena.harness.contract.metrics import METRICS
from hypothesis import given, settings
from hypothesis import strategies as st

DRAW = np.random.default_rng(0)
ROWS = 400
LABELS = DRAW.integers(2, size=ROWS).astype(float)
LOGITS = DRAW.normal(size=(ROWS, 1)) + LABELS[:, None]
CASES = {
    "accuracy": (DRAW.normal(size=(ROWS, 4)), DRAW.integers(4, size=ROWS)),
    "auc": (LOGITS, LABELS),
    "auc_minus_log_loss": (LOGITS, LABELS),
    "log_loss": (LOGITS, LABELS),
    "bits_per_byte": (DRAW.exponential(size=(ROWS, 5)), np.where(DRAW.random((ROWS, 5)) < 0.8, 1, -100)),
    "rmse": (DRAW.normal(size=(ROWS, 3)), np.zeros((ROWS, 3))),
}


@pytest.mark.parametrize("name", CASES)
def test_the_mean_is_the_score_and_the_spread_is_that_of_resampled_rows(name):
    metric, (predictions, targets) = METRICS[name], CASES[name]
    values = metric.row_scores(predictions, targets)
    assert values.mean() == pytest.approx(metric.score(predictions, targets))
    draw = np.random.default_rng(1)
    samples = [draw.integers(ROWS, size=ROWS) for _ in range(200)]
    spread = np.std([metric.score(predictions[rows], targets[rows]) for rows in samples])
    assert values.std() / ROWS**0.5 == pytest.approx(spread, rel=0.15)


def test_an_accuracy_is_one_or_zero_per_row():
    values = METRICS["accuracy"].row_scores(*CASES["accuracy"])
    assert set(values.round(12)) == {0, 1}


@settings(max_examples=10)
@given(st.integers(2, 40))
def test_a_metric_without_a_formula_has_one_value_per_group_of_rows(clusters):
    metric = dataclasses.replace(METRICS["accuracy"], per_row=None)
    cluster = np.arange(ROWS) % clusters
    values = metric.row_scores(*CASES["accuracy"], cluster)
    known = METRICS["accuracy"].row_scores(*CASES["accuracy"], cluster)
    assert len(values) == len(known) == clusters
    assert values.mean() == pytest.approx(known.mean())
    assert values.std() == pytest.approx(known.std(), rel=0.2)


def test_clusters_show_that_rows_are_copies_of_each_other():
    predictions, targets = (np.repeat(part, 4, axis=0) for part in CASES["accuracy"])
    metric = METRICS["accuracy"]
    copies = metric.row_scores(predictions, targets, np.repeat(np.arange(ROWS), 4))
    np.testing.assert_allclose(copies, metric.row_scores(*CASES["accuracy"]))


def test_an_undefined_score_has_no_values():
    assert METRICS["auc"].row_scores(LOGITS, np.ones(ROWS)) is None
