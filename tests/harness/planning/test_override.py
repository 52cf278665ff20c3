"""Runs with other steps or learning rates than the task's budget and the tier: names, keys and training."""

import pytest
from archarena.harness.contract.registry import discover
from archarena.harness.errors import UserError
from archarena.harness.planning.key import changed_parts, key_parts
from archarena.harness.planning.override import Override, override_name
from archarena.harness.planning.plan import make_plan
from hypothesis import given
from hypothesis import strategies as st


def cell(registry, data, recipe):
    return make_plan(registry, models=["good"], tasks=["toy"], tier="smoke", recipe=recipe, data=data).cells[0]


def test_steps_and_rates_enter_training_name_and_key(toy_task, make_model, tmp_path):
    registry = discover([toy_task, make_model("good")])
    recipe = override_name("common", 7, [0.01])
    usual, other = (cell(registry, tmp_path, name) for name in ("common", recipe))
    assert (other.training.steps, other.training.recipe.learning_rates) == (7, (0.01,))
    assert other.training.batch == usual.training.batch
    assert other.name == "good/toy/smoke/common[steps=7,learning_rates=0.01]/s0"
    keys = [key_parts(one, device="cpu", torch_version="2.9") for one in (usual, other)]
    assert changed_parts(*keys).keys() == {"budget", "recipe"}


@given(
    st.sampled_from(["common", "trade-off", "published"]),
    st.none() | st.integers(1, 10**9),
    st.lists(st.floats(1e-12, 1e3), max_size=5, unique=True),
)
def test_a_name_is_read_as_it_was_written(recipe, steps, rates):
    override = Override(recipe, steps, tuple(rates))
    assert Override.named(override.name) == override
    assert len(override.name) <= 200


def test_an_override_of_nothing_is_the_recipe_itself():
    assert override_name("common", None, ()) == "common"
    assert Override.named("common").options == []


def test_an_override_can_be_named_as_options_or_as_a_recipe():
    name = override_name("trade-off", 500, [0.003, 0.01])
    assert override_name(name, None, ()) == name
    expected = ["--recipe", "trade-off", "--steps", "500", "--learning-rates", "0.003,0.01"]
    assert Override.named(name).options == expected


@pytest.mark.parametrize(
    ("recipe", "steps", "rates", "says"),
    [
        ("commun", None, [], "There is no recipe 'commun'. Did you mean 'common'?"),
        ("common[stepz=3]", None, [], "There is no recipe 'common[stepz=3]'."),
        ("common", 0, [], "--steps 0: use a number from 1"),
        ("common", None, [0.0], "--learning-rates 0.0: use up to 5 different positive numbers"),
        ("common", None, [float("nan")], "--learning-rates nan: use up to"),
        ("common", None, [0.1, 0.1], "--learning-rates 0.1,0.1: use up to"),
    ],
)
def test_a_mistake_is_one_sentence(recipe, steps, rates, says):
    with pytest.raises(UserError) as error:
        override_name(recipe, steps, rates)
    assert says in str(error.value)
