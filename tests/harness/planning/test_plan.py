"""From names and settings to cells."""

import re

import pytest
from archarena.harness.contract.registry import discover
from archarena.harness.errors import UserError
from archarena.harness.planning.plan import make_plan, parse_setting, usual_models
from archarena.harness.planning.tier import get_tier


@pytest.fixture
def registry(toy_task, make_model):
    return discover([toy_task, make_model("good"), make_model("other")])


def names(plan):
    return [cell.name for cell in plan.cells]


def test_cells_are_variants_by_tasks_by_seeds(registry, tmp_path):
    plan = make_plan(registry, models=["good", "other"], tasks=["toy"], tier="smoke", seeds=[0, 3], data=tmp_path)
    assert names(plan) == ["good/toy/smoke/s0", "other/toy/smoke/s0", "good/toy/smoke/s3", "other/toy/smoke/s3"]


def test_a_task_with_a_plateau_is_never_stopped_for_a_stalled_score(registry, tmp_path):
    def recipe(task):
        return make_plan(registry, models=["good"], tasks=[task], tier="smoke", data=tmp_path).cells[0].training.recipe

    assert recipe("toy").patience == get_tier("smoke").recipe.patience > 0
    assert recipe("recall-induction").patience == 0


def test_a_setting_with_several_values_is_a_grid_of_variants(registry, tmp_path):
    plan = make_plan(
        registry, models=["good"], tasks=["toy"], settings=["good.scale=1,2.5"], tier="smoke", data=tmp_path
    )
    assert names(plan) == ["good[scale=1]/toy/smoke/s0", "good[scale=2.5]/toy/smoke/s0"]


@pytest.mark.parametrize(
    ("wanted", "says"),
    [
        ({"models": ["god"]}, "There is no model 'god'. Did you mean 'good'?"),
        ({"tasks": ["tuy"]}, "There is no task 'tuy'. Did you mean 'toy'?"),
        ({"tier": "quik"}, "There is no tier 'quik'. Did you mean 'quick'?"),
        ({"tier": "full"}, "Task 'toy' has no tier 'full'"),
        ({"settings": ["good.skale=1"]}, "no hyperparameter 'skale'. Did you mean 'scale'?"),
        ({"settings": ["good.scale=wide"]}, "hyperparameter 'scale' must be float, found 'wide'"),
        ({"settings": ["good.depth=1"]}, "Model 'good' has no depth setting."),
        ({"models": ["mlp"], "settings": ["mlp.depth=0"]}, "depth must be a whole number from 1 to 256, found 0"),
        ({"settings": ["mamba.d_state=1"]}, "model 'mamba' is not in this run"),
        ({"settings": ["good.scale"]}, "use MODEL.HYPERPARAMETER=VALUE"),
    ],
)
def test_a_mistake_is_one_sentence(registry, tmp_path, wanted, says):
    arguments = {"models": ["good"], "tasks": ["toy"], "tier": "smoke"} | wanted
    with pytest.raises(UserError) as error:
        make_plan(registry, **arguments, data=tmp_path)
    assert says in str(error.value)


def test_values_of_a_setting_are_literals_or_words():
    assert parse_setting("m.x=8,0.5,true,none,laplace") == ("m", "x", (8, 0.5, True, None, "laplace"))


def test_absent_data_is_an_error_for_a_named_task_and_a_note_for_a_suite(tmp_path):
    registry = discover()
    with pytest.raises(UserError, match="math"):
        make_plan(registry, models=["mlp"], tasks=["math"], tier="smoke", data=tmp_path)
    plan = make_plan(registry, models=["mlp"], suites=["quick"], tier="smoke", data=tmp_path)
    assert {cell.task.name for cell in plan.cells} >= {"recall-mqar", "digits"}
    (note,) = plan.notes
    assert re.fullmatch(r"Left out .*\bmath\b.*, whose data is missing: .*`archarena data status`.*", note)


def test_a_suite_without_any_data_is_an_error(tmp_path):
    with pytest.raises(UserError, match=r"Nothing to run\. Left out enwik8"):
        make_plan(discover(), models=["mlp"], suites=["text"], tier="smoke", data=tmp_path)


def test_a_run_that_names_no_model_takes_all_that_need_no_setting(tmp_path):
    registry = discover()
    usual = usual_models(registry)
    assert set(registry.models) - set(usual) == {"pretrained", "served"}
    plan = make_plan(registry, models=["served[url=http://x]"], tasks=["digits"], tier="smoke", data=tmp_path)
    assert {cell.variant.name for cell in plan.cells} == {"served[url=http://x]"}


def test_only_a_task_with_a_published_setup_is_reduced(registry, tmp_path):
    def tasks(name, tier):
        return make_plan(registry, models=["good"], tasks=[name], tier=tier, data=tmp_path).tasks

    assert [task.reduced for tier in ("smoke", "quick") for task in tasks("toy", tier)] == [False, False]
    assert [task.reduced for tier in ("quick", "full") for task in tasks("recall-mqar", tier)] == [True, False]
