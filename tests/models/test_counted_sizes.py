"""What a parent counts in the weights of a built-in model agrees with what its trial reports."""

import pytest
from archarena.harness import Classes, Image, NextToken, Size, TaskSpec, Tokens, build
from archarena.harness.assembly.sizing import fit_width
from archarena.harness.contract.model import Model
from archarena.harness.contract.registry import discover
from archarena.harness.planning.recipe import Recipe, Training
from archarena.harness.records.record import Outcome, SizeInfo
from archarena.harness.running.doubts import Seen, doubts
from safetensors.torch import save_file

SPECS = {
    "next token": TaskSpec(Tokens(64, 128), NextToken(64), causal=True),
    "tokens to classes": TaskSpec(Tokens(64, 128), Classes(4)),
    "image to classes": TaskSpec(Image(1, 16, 16), Classes(10)),
}
MODELS = [name for name, entry in discover().models.items() if not entry.declared.get("on_request")]
TRAINING = Training(Recipe("common", (1e-3,)), batch=8, steps=10)


@pytest.mark.parametrize("kind", SPECS)
@pytest.mark.parametrize("name", MODELS)
def test_the_numbers_in_the_weights_of_a_model_raise_no_doubt(name, kind, tmp_path):
    cls, spec = discover().find("model", name).load(), SPECS[kind]
    if not issubclass(cls, Model) or cls.supports(spec):
        pytest.skip("It does not take this kind of task.")
    fit = fit_width(cls, spec, 2, 64_000, {})
    model = build(cls, spec, Size(fit.width, 2), **fit.slack)
    weights = {name: tensor.contiguous().clone() for name, tensor in model.state_dict().items()}
    save_file(weights, tmp_path / "weights.safetensors")
    size = SizeInfo(
        width=fit.width,
        depth=2,
        target_parameters=fit.target,
        body_parameters=sum(parameter.numel() for parameter in model.body_parameters()),
        total_parameters=sum(parameter.numel() for parameter in model.parameters()),
        deviation=fit.deviation,
    )
    reported = Outcome(status="ok", size=size)
    assert doubts(reported, Seen(), tmp_path / "weights.safetensors", TRAINING, 80, writes_text=False) == []
