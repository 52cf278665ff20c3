from __future__ import annotations

import pytest
import torch
from archarena.kernels import paths_taken
from archarena.kernels.feature_gate import feature_gate
from archarena.kernels.feature_gate.reference import reference


def operands(batch, n, one_row):
    """Entries, and one row of scores or one per row of entries."""
    generator = torch.Generator().manual_seed(0)
    return [torch.randn(rows, n, generator=generator) for rows in (batch, 1 if one_row else batch)]


@pytest.mark.parametrize("one_row", [False, True])
def test_the_gate_is_twice_the_sigmoid(assert_agrees, one_row):
    entries, scores = operands(4, 6, one_row)
    assert_agrees(feature_gate, reference, (entries, scores))
    assert torch.equal(feature_gate(entries, 0 * scores), entries)
    assert "torch" in paths_taken()["feature_gate"]


def test_vmap_and_compile():
    a, b = operands(4, 6, False)
    assert torch.equal(torch.vmap(feature_gate)(torch.stack((a, b)), torch.stack((b, a)))[1], feature_gate(b, a))
    compiled = torch.compile(feature_gate, backend="aot_eager", fullgraph=True)
    assert torch.equal(compiled(a, b), feature_gate(a, b))


def test_scores_of_another_shape_are_refused():
    with pytest.raises(ValueError, match="scores have shape"):
        feature_gate(torch.zeros(4, 6), torch.zeros(2, 6))
