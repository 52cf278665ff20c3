"""Effects of a recipe: capped learning rates, penalties on whole tables, plateaus and early stopping."""

from dataclasses import replace

import pytest
import torch
from archarena.harness import Binary, FieldModel, Fields, Size, TaskSpec, build
from archarena.harness.contract.task import Budget
from archarena.harness.data.seeds import generator
from archarena.harness.planning.recipe import Recipe
from archarena.harness.training.attempt import Attempt, TrialSetting
from archarena.harness.training.cost import StepClock
from archarena.harness.training.order import batches
from archarena.harness.training.rows import Rows

SPEC = TaskSpec(Fields((9, 5)), Binary())


class Linear(FieldModel):
    """One weight per id, and a scale with a capped learning rate."""

    def __init__(self, fields, outputs):
        super().__init__()
        self.tables = torch.nn.ModuleList(torch.nn.Embedding(count, outputs) for count in fields.cardinalities)
        self.scale = torch.nn.Parameter(torch.ones(()))

    def forward(self, ids, dense=None):
        return self.scale * sum(table(ids[:, f]).sum(1) for f, table in enumerate(self.tables))

    def body_parameters(self):
        return self.tables.parameters()

    def param_groups(self):
        return [{"params": [self.scale], "max_rate": 1e-4}]


@pytest.fixture
def make_attempt(tmp_path):
    def make(rate=1e-2, steps=20, *, compile=False, **recipe):
        draw = generator("test")
        ids, labels = draw.integers(1, 5, (40, 2, 1)), draw.integers(0, 2, 40).astype("float32")
        rows = Rows({"ids": ids}, labels, torch.device("cpu"))
        how = Recipe("published", (rate,), **{"schedule": "constant", "evaluations": steps // 5} | recipe)
        setting = TrialSetting(SPEC, how, Budget(steps, 8), "auc", rows, rows, 1, False, compile, lambda step: None)

        def make_model():
            torch.manual_seed(0)
            return build(Linear, SPEC, Size(4, 1))

        return Attempt(setting, rate, make_model, tmp_path / f"{len(list(tmp_path.iterdir()))}.safetensors")

    return make


def test_a_group_is_trained_at_its_cap(make_attempt):
    attempt = make_attempt(rate=1e-2)
    attempt.run(1)
    assert sorted(group["lr"] for group in attempt.optimizer.param_groups) == [1e-4, 1e-2]


@pytest.mark.parametrize("optimizer", ["adam", "adamw"])
def test_the_penalty_on_tables_holds_for_rows_outside_the_batch(make_attempt, optimizer):
    plain, penalised = (make_attempt(optimizer=optimizer, embedding_l2=weight) for weight in (0.0, 0.5))
    start = plain.model.core.tables[0].weight.detach().clone()
    for attempt in (plain, penalised):
        attempt.run(10)
    unseen = slice(5, 9)
    assert torch.equal(plain.model.core.tables[0].weight[unseen], start[unseen])
    assert (penalised.model.core.tables[0].weight[unseen].abs() < start[unseen].abs()).all()


def test_the_penalty_is_the_gradient_of_half_the_sum_of_squares(make_attempt):
    plain, penalised = make_attempt(), make_attempt(embedding_l2=0.5)
    weight = plain.model.core.tables[1].weight.detach().clone()
    for attempt in (plain, penalised):
        attempt.run(1)
    gradients = [attempt.model.core.tables[1].weight.grad for attempt in (plain, penalised)]
    torch.testing.assert_close(gradients[1], gradients[0] + 0.5 * weight)


def test_a_stalled_score_drops_the_rate_to_its_minimum_and_ends_the_try(make_attempt):
    stuck = make_attempt(rate=0.05, schedule="plateau", plateau_factor=0.1, stop_after=3, min_rate=1e-3)
    stuck.state.best = 0.9
    stuck._note_plateau(0.5)
    stuck._set_rate()
    assert stuck.optimizer.param_groups[0]["lr"] == pytest.approx(5e-3)
    for _ in range(2):
        stuck._note_plateau(0.5)
    stuck._set_rate()
    assert stuck.optimizer.param_groups[0]["lr"] == 1e-3
    assert stuck.ending == "stalled"


def test_an_improvement_starts_the_count_anew(make_attempt):
    attempt = make_attempt(schedule="plateau", stop_after=2)
    attempt.state.best = 0.5
    attempt._note_plateau(0.5 + 1e-7)
    assert (attempt.state.stalled, attempt.state.scale) == (1, 0.1)
    attempt._note_plateau(0.6)
    assert (attempt.state.stalled, attempt.state.scale) == (0, 0.1)
    assert attempt.ending is None


def test_early_stopping_ends_the_run_before_its_last_step(make_attempt):
    attempt = make_attempt(rate=1e-12, steps=100, stop_after=2)
    attempt.run(100)
    assert attempt.state.step < 100
    assert attempt.state.stalled == 2
    assert attempt.summary().ended == "stalled"


def test_compiling_is_in_no_steps_time_and_leaves_no_trace(make_attempt, monkeypatch):
    plain, compiled = make_attempt(), make_attempt(compile=True)
    plain.run(3)
    random, enter, log = torch.get_rng_state(), StepClock.__enter__, []

    def compile(model):
        def forward(**inputs):
            log.append("fresh" if torch.equal(torch.get_rng_state(), random) else "later")
            torch.rand(())  # as dropout draws
            return model(**inputs)

        return forward

    monkeypatch.setattr(torch, "compile", compile)
    monkeypatch.setattr(StepClock, "__enter__", lambda clock: (log.append("step"), enter(clock)))
    compiled.run(3)
    assert log == ["fresh", "later", "step", "fresh", "step", "later", "step", "later"]
    for name, tensor in compiled.model.state_dict().items():
        assert torch.equal(tensor, plain.model.state_dict()[name])


@pytest.mark.parametrize(("keep_last", "sizes"), [(False, [16, 16]), (True, [16, 16, 8])])
def test_an_epoch_holds_each_row_once_in_full_batches_and_maybe_a_partial_one(make_attempt, keep_last, sizes):
    attempt = make_attempt(keep_last=keep_last)
    attempt.setting = replace(attempt.setting, budget=Budget(20, 16))
    drawn = list(batches(attempt.setting, 0, len(sizes)))
    assert [len(rows) for rows in drawn] == sizes
    assert len(torch.cat(drawn).unique()) == sum(sizes)
