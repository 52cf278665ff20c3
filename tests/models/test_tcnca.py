"""TCNCA: how far its filters see, and that attention stays inside a chunk."""

import pytest
import torch
from archarena.harness.errors import UserError
from archarena.models.blocks.gated_attention import ChunkedAttention, GatedAttention
from archarena.models.tcnca import TCN, TCNCA, GatedFilter, receptive_field, tcn_layers
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.nn import functional as F


@pytest.mark.parametrize(("kernel", "factor", "layers", "field"), [(17, 8, 4, 9361), (8, 8, 4, 4096), (5, 4, 5, 1365)])
def test_receptive_fields_are_those_of_the_formula(kernel, factor, layers, field):
    assert receptive_field(kernel, factor, layers) == field


def test_an_impulse_reaches_every_position_of_the_receptive_field_and_none_beyond():
    field = receptive_field(3, 2, 3)
    x = torch.zeros(1, field + 5, 4)
    x[:, 0] = 1.0
    reached = TCN(4, 3, 2, 3)(x).abs().sum((0, 2)) > 0
    assert reached.tolist() == [True] * field + [False] * 5


@settings(deadline=None)
@given(length=st.integers(1, 100_000), kernel=st.integers(2, 33), data=st.data())
def test_the_fewest_layers_that_span_the_length_are_taken(length, kernel, data):
    factor = data.draw(st.integers(2, kernel))
    layers = tcn_layers(length, kernel, factor)
    assert receptive_field(kernel, factor, layers) >= length
    assert layers == 1 or receptive_field(kernel, factor, layers - 1) < length


@settings(deadline=None)
@given(kernel=st.integers(2, 6), layers=st.integers(1, 4), data=st.data())
def test_a_factor_up_to_the_kernel_covers_every_distance(kernel, layers, data):
    factor = data.draw(st.integers(1, kernel))
    distances = {0}
    for i in range(layers):
        distances = {d + tap * factor**i for d in distances for tap in range(kernel)}
    assert distances == set(range(receptive_field(kernel, factor, layers)))


def test_a_two_sided_filter_adds_the_reversed_row():
    layer = GatedFilter(4, 3, 2, 2, causal=False).double()
    x, valid = torch.randn(1, 9, 4, dtype=torch.float64), torch.arange(9)[None] < 7
    row = x[:, :7]
    expected = F.silu(layer.forwards(row) + layer.backwards(row.flip(1)).flip(1) + layer.skip * row)
    torch.testing.assert_close(layer(x, valid)[:, :7], expected)


def test_a_factor_that_leaves_gaps_is_refused():
    with pytest.raises(UserError, match="factor <= kernel"):
        TCNCA(16, 1, True, 64, kernel=4, factor=8)


@pytest.mark.parametrize("weighting", ["softmax", "laplace"])
@pytest.mark.parametrize("length", [4, 10])
def test_attention_stays_inside_its_chunk(weighting, length):
    attention = ChunkedAttention(4, causal=False, weighting=weighting)
    q, k = torch.randn(2, 1, length, 3)
    v = torch.randn(1, length, 5, requires_grad=True)
    y = attention(q, k, v)
    for t in range(length):
        seen = torch.autograd.grad(y[:, t].sum(), v, retain_graph=True)[0].abs().sum((0, 2)) > 0
        chunk = {s for s in range(length) if s // 4 == t // 4}
        found = set(seen.nonzero().flatten().tolist())
        assert found == chunk if weighting == "softmax" else set() < found <= chunk


def test_another_filter_leaves_all_other_parameters_as_they_are():
    class Identity(nn.Module):
        def forward(self, x, valid):
            return x

    with_tcn = TCNCA(16, 1, True, 64).blocks[0].unit
    bare = GatedAttention(16, 8, 32, Identity(), chunk=64, causal=True)
    shapes = [
        {name: tuple(p.shape) for name, p in unit.named_parameters() if not name.startswith("mixer.")}
        for unit in (with_tcn, bare)
    ]
    assert shapes[0] == shapes[1]
