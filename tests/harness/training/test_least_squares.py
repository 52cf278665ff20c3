"""Closed-form heads equal NumPy's least squares, and a model with `fit` runs as a cell."""

import numpy as np
import pytest
import torch
from archarena.harness import Binary, Classes, Regression, SequenceModel, Series, Size, TaskSpec, build
from archarena.harness.check import check_model
from archarena.harness.training.least_squares import fit_head
from archarena.harness.training.rows import Rows
from torch import nn

CPU = torch.device("cpu")
VALUES = TaskSpec(Series(2, 5), Regression(3))


class RandomFeatures(SequenceModel):
    """Fixed random features of the whole row; only the head learns."""

    pooling = "last"

    def __init__(self, width):
        super().__init__()
        self.mix = nn.Linear(width, width).requires_grad_(False)

    def forward(self, x, lengths=None):
        weight = torch.linspace(0.5, 1, x.shape[1])[:, None]
        return torch.tanh(self.mix((weight * x).cumsum(1)))

    def fit(self, built, rows):
        fit_head(built, rows, batch=7)


def rows_of(targets, count=60):
    values = np.random.default_rng(0).standard_normal((count, 5, 2)).astype(np.float32)
    return Rows({"values": values}, targets, CPU)


def features_of(built, rows):
    embedded, _ = built.embedding(**rows.inputs)
    return built.core(embedded)[:, -1].detach().double().numpy()


def test_the_head_is_the_least_squares_solution():
    targets = np.random.default_rng(1).standard_normal((60, 3)).astype(np.float32) + 5
    rows, built = rows_of(targets), build(RandomFeatures, VALUES, Size(8, 1))
    built.core.fit(built, rows)
    table = np.column_stack([features_of(built, rows), np.ones(60)])
    expected = table @ np.linalg.lstsq(table, targets, rcond=None)[0]
    np.testing.assert_allclose(built(**rows.inputs).detach(), expected, atol=1e-4)


def test_features_that_depend_on_each_other_do_no_harm():
    targets = np.ones((60, 3), np.float32)
    rows, built = rows_of(targets), build(RandomFeatures, VALUES, Size(16, 1))
    with torch.no_grad():
        built.core.mix.weight[8:] = built.core.mix.weight[:8]
        built.core.mix.bias[8:] = built.core.mix.bias[:8]
    fit_head(built, rows)
    np.testing.assert_allclose(built(**rows.inputs).detach(), targets, atol=1e-5)


def test_a_ridge_shrinks_the_weights_and_spares_the_mean():
    targets = np.random.default_rng(1).standard_normal((60, 3)).astype(np.float32) + 5
    rows, built = rows_of(targets), build(RandomFeatures, VALUES, Size(8, 1))
    fit_head(built, rows, ridge=1e6)
    assert built.head.linear.weight.abs().max() < 1e-4
    np.testing.assert_allclose(built(**rows.inputs).detach(), np.tile(targets.mean(0), (60, 1)), atol=1e-2)


def test_classes_are_fitted_as_one_hot_targets():
    labels = np.arange(60) % 3
    rows = rows_of(labels)
    rows.inputs["values"][:, :, 0] += torch.from_numpy(labels)[:, None] * 4
    built = build(RandomFeatures, TaskSpec(Series(2, 5), Classes(3)), Size(32, 1))
    built.core.fit(built, rows)
    assert (built(**rows.inputs).argmax(1).numpy() == labels).mean() > 0.95


def test_other_outputs_are_refused():
    built = build(RandomFeatures, TaskSpec(Series(2, 5), Binary()), Size(8, 1))
    with pytest.raises(TypeError, match="not Binary"):
        fit_head(built, rows_of(np.zeros(60, np.float32)))


def test_the_contract_is_checked_by_the_models_own_fit():
    specs = {"values": VALUES, "classes": TaskSpec(Series(2, 12), Classes(4))}
    assert [f for f in check_model(RandomFeatures, specs) if f.status == "failed"] == []


FIT = """self._x = None

    pooling = "last"

    def fit(self, built, rows):
        from archarena.harness.training.least_squares import fit_head
        fit_head(built, rows)

    def forward(self, x, lengths=None):
        pass"""


def test_a_cell_of_a_model_that_fits_itself_is_fitted_once(toy_task, make_model, tmp_path):
    from archarena.harness.contract.registry import discover
    from archarena.harness.planning.plan import make_plan
    from archarena.harness.records.store import ResultStore
    from archarena.harness.running.executor import Inline
    from archarena.harness.running.run import Run
    from archarena.harness.running.runner import Runner

    plugins = [toy_task, make_model("good", FIT)]
    plan = make_plan(discover(plugins), models=["good"], tasks=["toy"], tier="smoke", data=tmp_path)
    run = Run(plan, ResultStore(tmp_path / "results"), tmp_path, "cpu", plugins)
    (record,) = Runner(run, Inline()).execute().records
    assert record.status == "ok", record.reason
    assert [(attempt.steps, attempt.learning_rate) for attempt in record.attempts] == [(1, 0.0)]
    assert record.attempts[0].curve[0].samples == 64
