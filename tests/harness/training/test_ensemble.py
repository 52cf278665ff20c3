"""Attempts trained together end as each would alone."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from archarena.harness import (
    Binary,
    Classes,
    FieldModel,
    Fields,
    Image,
    ImageModel,
    PerPosition,
    Size,
    TaskSpec,
    Tokens,
    build,
)
from archarena.harness.contract.registry import discover
from archarena.harness.contract.task import Budget
from archarena.harness.data.seeds import generator
from archarena.harness.planning.recipe import Recipe
from archarena.harness.training.attempt import Attempt, TrialSetting
from archarena.harness.training.ensemble import run_together
from archarena.harness.training.rows import Rows

STEPS = 8
# A large eps, because Adam scales gradients that are zero up to rounding to full steps.
RECIPE = Recipe("common", (1e-2,), eps=1e-3, weight_decay=0.01, warmup=0.2, clip=0.5, evaluations=4)
SPECS = {
    "tokens": TaskSpec(Tokens(7, 8), Classes(3)),
    "positions": TaskSpec(Tokens(7, 8), PerPosition(3), causal=True),
    "fields": TaskSpec(Fields((5, 4), n_dense=1), Binary()),
    "image": TaskSpec(Image(1, 4, 4), Classes(3)),
}
REGISTRY = discover()
MODELS = sorted(name for name, entry in REGISTRY.models.items() if not entry.declared.get("on_request"))
REFUSED = {"tcnca-simple": "torch.vmap has no gradient of its attention's bias"}


def draw(name, seed, count):
    """Return rows of a task that can be learned in part, padded in places."""
    some = generator("ensemble", name, seed)
    if name == "fields":
        ids = some.integers(1, 4, (count, 2, 1))
        return {"ids": ids, "dense": some.normal(size=(count, 1)).astype("float32")}, (ids[:, 0, 0] > 2).astype(
            "float32"
        )
    if name == "image":
        pixels = some.normal(size=(count, 1, 4, 4)).astype("float32")
        return {"pixels": pixels}, (pixels.mean((1, 2, 3)) > 0).astype("int64")
    tokens, lengths = some.integers(1, 7, (count, 8)), some.integers(5, 9, count)
    tokens[lengths[:, None] <= range(8)] = 0
    if name == "tokens":
        return {"tokens": tokens, "lengths": lengths}, tokens[:, 0] % 3
    targets = tokens % 3
    targets[(some.random((count, 8)) < 0.5) | (tokens == 0)] = SPECS[name].outputs.ignore
    return {"tokens": tokens}, targets


def attempts(folder, model, task, *, recipe=RECIPE, seeds=3, rates=None, **hyperparameters):
    """Return the attempt of each seed, with its own data, order and initial weights."""
    spec, cls, made = SPECS[task], REGISTRY.find("model", model).load(), []
    metric = {"fields": "auc", "positions": "position_accuracy"}.get(task, "accuracy")
    for seed in range(seeds):
        train, valid = (Rows(*draw(task, number, 24), torch.device("cpu")) for number in (seed, 100))
        setting = TrialSetting(
            spec, recipe, Budget(STEPS, 4), metric, train, valid, seed, False, False, lambda step: None, -1.0
        )

        def make_model(seed=seed):
            torch.manual_seed(seed)
            return build(cls, spec, Size(16, 2), **hyperparameters)

        rate = rates[seed] if rates else 1e-2
        folder.mkdir(exist_ok=True)
        made.append(Attempt(setting, rate, make_model, folder / f"{seed}.safetensors"))
    return made


def curve(attempt):
    return [(p.step, p.samples, p.train_loss) for p in attempt.state.curve]


def assert_equal(together, alone):
    """Compare the course of training, and the weights at its end, of attempts trained together and alone."""
    for found, expected in zip(together, alone, strict=True):
        assert (found.state.step, found.state.diverged) == (expected.state.step, expected.state.diverged)
        for a, b in zip(curve(found), curve(expected), strict=True):
            assert a == pytest.approx(b, rel=1e-3, abs=1e-4)
        assert found.state.loss == pytest.approx(expected.state.loss, rel=1e-3, abs=1e-4)


def train(made, until=STEPS):
    for attempt in made:
        attempt.run(until)
    return made


def home(cls):
    """Return the task of a model's kind."""
    return "fields" if issubclass(cls, FieldModel) else "image" if issubclass(cls, ImageModel) else "tokens"


def equals_its_separate_run(folder, model, task):
    together = attempts(folder / "together", model, task, seeds=2)
    run_together(together, STEPS)
    assert_equal(together, train(attempts(folder / "alone", model, task, seeds=2)))


@pytest.mark.parametrize("model", MODELS)
def test_each_member_equals_its_separate_run(model, tmp_path):
    cls = REGISTRY.find("model", model).load()
    if model in REFUSED or build(cls, SPECS[home(cls)], Size(16, 2)).fits_itself:
        pytest.skip(REFUSED.get(model, "the model trains itself"))
    equals_its_separate_run(tmp_path, model, home(cls))


@pytest.mark.parametrize("task", SPECS)
@pytest.mark.parametrize("model", ["finalmlp", "fm", "mamba"])
def test_members_are_equal_on_any_task(model, task, tmp_path):
    equals_its_separate_run(tmp_path, model, task)


def test_rates_dropout_and_the_penalty_on_tables_belong_to_each_member(tmp_path):
    recipe = replace(RECIPE, embedding_l2=0.1, optimizer="adam")
    options = {"rates": [1e-3, 1e-2, 1e-1], "recipe": recipe, "dropout": 0.3}
    together = attempts(tmp_path / "together", "mlp", "fields", **options)
    run_together(together, STEPS)
    assert_equal(together, train(attempts(tmp_path / "alone", "mlp", "fields", **options)))


def test_a_member_that_ends_early_leaves_and_the_others_go_on(tmp_path):
    def first_stops_when_stalled(folder):
        made = attempts(folder, "fm", "fields", rates=[1e-9, 1e-2, 1e-2])
        made[0].setting = replace(made[0].setting, recipe=replace(RECIPE, stop_after=1))
        return made

    together = first_stops_when_stalled(tmp_path / "together")
    run_together(together, STEPS)
    assert [attempt.state.step for attempt in together] == [4, STEPS, STEPS]
    assert_equal(together, train(first_stops_when_stalled(tmp_path / "alone")))


def test_a_member_that_diverges_leaves_the_others_alone(tmp_path):
    options = {"rates": [1e-2, 1e30, 1e-2]}
    together = attempts(tmp_path / "together", "fm", "fields", **options)
    run_together(together, STEPS)
    assert [attempt.state.diverged for attempt in together] == [False, True, False]
    alone = train(attempts(tmp_path / "alone", "fm", "fields", **options))
    assert_equal([together[0], together[2]], [alone[0], alone[2]])


@pytest.mark.parametrize("dropout", [0.0, 0.3])
def test_members_go_on_from_their_checkpoints_together_or_alone(tmp_path, dropout):
    alone = train(attempts(tmp_path / "alone", "mlp", "fields", dropout=dropout))
    run_together(attempts(tmp_path / "stopped", "mlp", "fields", dropout=dropout), 3)
    again = attempts(tmp_path / "stopped", "mlp", "fields", dropout=dropout)
    assert [attempt.state.step for attempt in again] == [3, 3, 3]
    again[0].run(5)
    run_together(again, STEPS)
    assert_equal(again, alone)


def test_released_members_share_no_memory(tmp_path):
    made = attempts(tmp_path, "mlp", "fields", seeds=2)
    run_together(made, 2)
    before = [x.clone() for x in made[1].model.state_dict().values()]
    made[0].run(STEPS)
    assert all(map(torch.equal, before, made[1].model.state_dict().values()))
