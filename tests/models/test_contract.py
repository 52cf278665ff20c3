"""Every built-in model holds the contract, and only declares dead what is dead."""

import pytest
from archarena.harness.check import check_model
from archarena.harness.registry import discover

MODELS = ["mamba", "mega", "mega-chunk", "tcnca", "tcnca-simple", "monet", "finalmlp", "transformer", "mlp"]


@pytest.mark.parametrize("name", MODELS)
def test_a_built_in_model_holds_the_contract_and_skips_no_kind_of_task(name):
    findings = check_model(discover().find("model", name))
    assert {finding.status for finding in findings} == {"ok"}, [f for f in findings if f.status != "ok"]
