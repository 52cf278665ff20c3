"""Values outside a model's range are refused before a run."""

import inspect

import pytest
from archarena.harness.contract.hyperparameters import check_hyperparameters, init_parameters
from archarena.harness.contract.registry import discover
from archarena.harness.errors import UserError

MODELS = discover().models


def forms(name):
    cls = MODELS[name].load()
    return [form for form in (cls, getattr(cls, "image_form", None)) if form is not None]


NUMERIC = [
    (name, form, parameter)
    for name in MODELS
    for form in forms(name)
    for parameter, declared in init_parameters(form).items()
    if declared.kind is inspect.Parameter.KEYWORD_ONLY and {"int", "float"} & set(str(declared.annotation).split(" | "))
]


@pytest.mark.parametrize(("name", "form", "parameter"), NUMERIC, ids=lambda value: getattr(value, "__name__", value))
def test_every_numeric_hyperparameter_has_bounds_that_hold(name, form, parameter):
    low, high = form.bounds[parameter]
    cls = MODELS[name].load()
    default = init_parameters(form)[parameter].default
    assert default is None or low <= default <= high
    kind = int if "int" in str(init_parameters(form)[parameter].annotation) else float
    check_hyperparameters(cls, {parameter: kind(high)})
    for value in (kind(low - 1), kind(high + 1), 10**400):
        with pytest.raises(UserError, match=f"hyperparameter '{parameter}' must be from"):
            check_hyperparameters(cls, {parameter: value})


@pytest.mark.parametrize(("name", "parameter"), [("gla", "heads"), ("mega", "chunk"), ("mamba", "d_conv")])
def test_zero_heads_chunks_and_taps_are_refused(name, parameter):
    with pytest.raises(UserError, match=f"'{parameter}' must be from 1 to"):
        check_hyperparameters(MODELS[name].load(), {parameter: 0})
