"""Predictive multiplicity: measures on cases with known results, and perturbed models that differ."""

from itertools import pairwise

import numpy as np
import pytest
import torch
from archarena.harness import Classes, Regression, SequenceModel, Series, Size, TaskSpec, build
from archarena.harness.records.multiplicity import disagreement, multiplicity, viable_range
from archarena.harness.training.perturb import EPSILONS, explore, noise
from archarena.harness.training.rows import Rows
from torch import nn

CPU = torch.device("cpu")
SPEC = TaskSpec(Series(2, 5), Classes(3))


class Model(SequenceModel):
    def __init__(self, width):
        super().__init__()
        self.mix, self.conv = nn.Linear(width, width), nn.Conv1d(width, width, 1)

    def forward(self, x, lengths=None):
        return torch.tanh(self.conv(self.mix(x).mT).mT)


@pytest.fixture
def valid():
    draw = np.random.default_rng(0)
    return Rows({"values": draw.standard_normal((30, 5, 2)).astype(np.float32)}, draw.integers(0, 3, 30), CPU)


def test_measures_of_two_models_beside_a_base_have_the_known_answers():
    decisions = np.array([[1, 0, 1, 0], [1, 0, 1, 1], [1, 1, 1, 0]])
    assert multiplicity(decisions, 2) == pytest.approx((0.5, 0.25, 4 / 9))
    assert disagreement(decisions, 2) == pytest.approx([0, 8 / 9, 0, 8 / 9])


def test_equal_decisions_have_none_and_a_lone_model_has_none():
    same = np.zeros((4, 5), int)
    assert multiplicity(same, 3) == (0, 0, 0)
    assert multiplicity(same[:1], 3) == (0, 0, 0)


def test_decisions_spread_evenly_over_the_classes_disagree_wholly():
    assert disagreement(np.array([[0, 0], [1, 1], [2, 0]]), 3) == pytest.approx([1.0, 2 / 3])


def test_a_viable_range_is_the_span_of_the_scores():
    assert viable_range(np.array([[0.9, 0.5], [0.6, 0.5], [0.7, 0.1]])) == pytest.approx([0.3, 0.4])


def test_a_draw_is_one_model_and_leaves_the_trained_one_as_it_was(valid):
    model = build(Model, SPEC, Size(8, 1)).eval()
    before, x = model(**valid.inputs), valid.inputs["values"][:1].expand(2, -1, -1)
    with noise(model, 0.5, torch.Generator().manual_seed(0)):
        once, twice = model(values=x), model(values=x)
    assert torch.equal(once, twice)
    assert torch.equal(once[0], once[1])
    assert not torch.allclose(once, model(values=x))
    assert torch.equal(model(**valid.inputs), before)


def test_measures_grow_with_epsilon_and_count_the_models_that_are_kept(valid):
    torch.manual_seed(0)
    model = build(Model, SPEC, Size(8, 1))
    found = explore(model, valid, SPEC, batch=16, seed=1)
    assert found == explore(model, valid, SPEC, batch=16, seed=1)
    assert [step.epsilon for step in found.steps] == list(EPSILONS)
    for less, more in pairwise(found.steps):
        assert 1 <= less.models <= more.models <= found.drawn + 1
        assert less.ambiguity <= more.ambiguity
        assert less.viable_range <= more.viable_range + 1e-9
    assert all(step.discrepancy <= step.ambiguity for step in found.steps)
    assert found.steps[-1].models > 1


def test_a_task_without_classes_is_told(valid):
    model = build(Model, TaskSpec(Series(2, 5), Regression(3)), Size(8, 1))
    assert "one class per row" in explore(model, valid, model.spec, 16, 0).reason


def test_a_cell_is_explored_where_asked_and_not_again(toy_task, make_model, tmp_path):
    from archarena.harness.contract.registry import discover
    from archarena.harness.planning.plan import make_plan
    from archarena.harness.records.store import ResultStore
    from archarena.harness.running.executor import Inline
    from archarena.harness.running.run import Extras, Run
    from archarena.harness.running.runner import Runner

    plugins = [toy_task, make_model("good")]

    def run(recipe, extras):
        plan = make_plan(discover(plugins), models=["good"], tasks=["toy"], tier="smoke", recipe=recipe, data=tmp_path)
        run = Run(plan, ResultStore(tmp_path / "results"), tmp_path, "cpu", plugins, extras)
        return Runner(run, Inline()).execute()

    plain, explored, again = (run("trade-off", Extras(multiplicity=ask)) for ask in (False, True, True))
    assert plain.new[0].multiplicity is None
    assert explored.new[0].multiplicity.rows == 40
    assert explored.new[0].scores == plain.new[0].scores
    assert (len(again.kept), len(again.new)) == (1, 0)
    trade_off = explored.new[0].trade_off
    assert (trade_off.metric, trade_off.noise_floor) == ("accuracy", 0.007)
    assert {point.step for point in trade_off.points} <= {2, 4, 8, 20}
    assert trade_off.points
    assert explored.new[0].cell.recipe == "trade-off"
