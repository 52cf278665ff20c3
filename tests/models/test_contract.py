"""Every built-in model passes the contract checks."""

import pytest
from archarena.harness.check import check_model
from archarena.harness.check.samples import SPECS
from archarena.harness.contract.registry import discover

SEQUENCE_MODELS = ["mamba", "mega", "tcnca", "monet", "transformer"]
FIELD_MODELS = ["finalmlp", "mlp", "lr", "fm", "dnn", "deepfm", "dcn", "dcnv2", "dualmlp", "finalnet", "pi-net"]
RELATED = ["mamba2", "s4d", "gateloop", "gla", "linear-cde", "mega-chunk", "tcnca-simple"]
"""Models with blocks like those of a model above."""
IMAGE_MODELS = ["pi-net-conv"]
TEXT_GENERATORS = ["pretrained", "served"]
MAY_BE_ABSENT = "step"

DIFFERENT_KINDS = ("tokens to a class each, causal", "tokens to classes", "series to classes")
"""The kinds of task that differ most for a sequence model; `archarena check` runs all of them."""


def test_every_built_in_model_is_listed():
    listed = SEQUENCE_MODELS + FIELD_MODELS + RELATED + IMAGE_MODELS + TEXT_GENERATORS
    assert sorted(listed) == sorted(discover().models)


@pytest.mark.parametrize("name", IMAGE_MODELS)
def test_an_image_model_holds_the_contract(name):
    findings = check_model(discover().find("model", name))
    assert not [f for f in findings if f.status == "failed"]
    assert [f for f in findings if f.status == "ok"]


@pytest.mark.parametrize("name", SEQUENCE_MODELS + FIELD_MODELS)
def test_a_built_in_model_holds_the_contract_and_skips_no_kind_of_task(name):
    findings = check_model(discover().find("model", name))
    assert not [f for f in findings if f.status == "failed" or (f.status == "skipped" and f.name != MAY_BE_ABSENT)]


@pytest.mark.parametrize("name", RELATED)
def test_a_related_model_holds_the_contract(name):
    findings = check_model(discover().find("model", name), {kind: SPECS[kind] for kind in DIFFERENT_KINDS})
    assert not [f for f in findings if f.status != "ok"]
