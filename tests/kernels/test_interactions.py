"""The kernels of models over fields: look-up, gate and bilinear form against their loops."""

from __future__ import annotations

import pytest
import torch
from archarena.kernels import bilinear_fusion as bilinear
from archarena.kernels import feature_gate as gate
from archarena.kernels import field_embedding as embedding
from archarena.kernels.bilinear_fusion.reference import reference as bilinear_reference
from archarena.kernels.feature_gate.reference import reference as gate_reference
from archarena.kernels.field_embedding.reference import reference as embedding_reference
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.utils.flop_counter import FlopCounterMode


def normal(*shape, seed=0, dtype=torch.float64):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64).to(dtype)


def assert_same(run, reference, *inputs):
    """Compare outputs and the gradients of all floating inputs."""
    found = []
    for function in (run, reference):
        leaves = [x.detach().requires_grad_(x.is_floating_point()) for x in inputs]
        y = function(*leaves)
        floating = [x for x in leaves if x.requires_grad]
        found.append([y, *torch.autograd.grad((y * normal(*y.shape, seed=9)).sum(), floating)])
    for a, b in zip(*found, strict=True):
        torch.testing.assert_close(a, b)


def fields(cardinalities, batch, bag, seed=0):
    """Return a table without padding values, random ids (padding among them) and the fields' offsets."""
    generator = torch.Generator().manual_seed(seed)
    offsets = torch.tensor([0, *cardinalities]).cumsum(0)
    table = normal(int(offsets[-1]), 3, seed=seed)
    table[offsets[:-1]] = 0.0
    ids = torch.stack([torch.randint(n, (batch, bag), generator=generator) for n in cardinalities], 1)
    return table, ids, offsets[:-1]


@settings(max_examples=20, deadline=None)
@given(
    cardinalities=st.lists(st.integers(1, 5), min_size=1, max_size=4),
    batch=st.integers(1, 5),
    bag=st.integers(1, 3),
    seed=st.integers(0, 99),
)
def test_one_look_up_is_the_mean_of_each_fields_rows(cardinalities, batch, bag, seed):
    table, ids, offsets = fields(cardinalities, batch, bag, seed)
    assert_same(
        lambda table: embedding.field_embedding(table, ids, offsets),
        lambda table: embedding_reference(table, ids, offsets),
        table,
    )


@pytest.mark.parametrize("bag", [1, 2])
def test_padding_is_zero_and_gets_no_gradient(bag):
    table, _, offsets = fields((4, 5), 2, bag)
    table.requires_grad_()
    y = embedding.field_embedding(table, torch.zeros(2, 2, bag, dtype=torch.long), offsets)
    assert not y.any()
    assert not torch.autograd.grad(y.sum(), table)[0].any()


@pytest.mark.parametrize("rows", [1, 4])
def test_the_gate_is_twice_the_sigmoid(rows):
    assert_same(gate.feature_gate, gate_reference, normal(4, 6), normal(rows, 6, seed=1))
    assert torch.equal(gate.feature_gate(normal(4, 6), torch.zeros(rows, 6)), normal(4, 6))


@pytest.mark.parametrize("shape", [(1, 1, 1, 1), (2, 4, 2, 1), (2, 4, 2, 3), (2, 2, 4, 5)])
def test_the_bilinear_form_is_that_of_each_head(shape):
    heads, p, q, _ = shape
    streams = normal(5, heads * p), normal(5, heads * q, seed=1)
    assert_same(bilinear.bilinear_fusion, bilinear_reference, *streams, normal(*shape, seed=2))


def test_they_map_over_a_further_axis_and_compile():
    a, b, weight = normal(3, 4, 6), normal(4, 2, seed=1), normal(2, 3, 1, 1, seed=2)
    mapped = torch.vmap(lambda a: bilinear.bilinear_fusion(a, b, weight))(a)
    torch.testing.assert_close(mapped[2], bilinear.bilinear_fusion(a[2], b, weight))
    torch.testing.assert_close(torch.vmap(gate.feature_gate)(a, a)[1], gate.feature_gate(a[1], a[1]))
    table, ids, offsets = fields((4, 5), 2, 1)
    mapped = torch.vmap(lambda ids: embedding.field_embedding(table, ids, offsets))(torch.stack((ids, 0 * ids)))
    assert torch.equal(mapped[0], embedding.field_embedding(table, ids, offsets))
    compiled = torch.compile(gate.feature_gate, backend="aot_eager", fullgraph=True)
    assert torch.equal(compiled(a[0], a[1]), gate.feature_gate(a[0], a[1]))


@pytest.mark.parametrize("outputs", [1, 5])
def test_the_flop_counter_sees_the_matrix_product_of_the_bilinear_form(outputs):
    with FlopCounterMode(display=False) as counter:
        bilinear.bilinear_fusion(normal(5, 8), normal(5, 4), normal(2, 4, 2, outputs))
    assert counter.get_total_flops() == bilinear.cost(5, 2, 4, 2, outputs).flops


def test_what_does_not_go_together_is_refused():
    with pytest.raises(ValueError, match="2 fields"):
        embedding.field_embedding(normal(4, 2), torch.zeros(1, 3, 1, dtype=torch.long), torch.tensor([0, 2]))
    with pytest.raises(ValueError, match="scores have shape"):
        gate.feature_gate(normal(4, 6), normal(2, 6))
    with pytest.raises(ValueError, match="do not fit a weight"):
        bilinear.bilinear_fusion(normal(4, 6), normal(4, 6), normal(2, 3, 2, 1))
