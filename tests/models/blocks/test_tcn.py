"""Receptive field of a stack of dilated filters, with forward and with step."""

import pytest
import torch
from archarena.harness.errors import UserError
from archarena.models.blocks.tcn import TCN, fewest_layers
from hypothesis import given
from hypothesis import strategies as st
from torch.nn import functional as F


def receptive_field(kernel: int, factor: int, layers: int) -> int:
    """Return the number of positions that one output depends on."""
    return 1 + (kernel - 1) * sum(factor**i for i in range(layers))


@pytest.mark.parametrize(("kernel", "factor", "layers", "field"), [(17, 8, 4, 9361), (8, 8, 4, 4096), (5, 4, 5, 1365)])
def test_published_stacks_have_the_fewest_layers_for_their_receptive_field(kernel, factor, layers, field):
    assert fewest_layers(field, kernel, factor) == layers
    assert fewest_layers(field + 1, kernel, factor) == layers + 1


def test_an_impulse_reaches_every_position_of_the_receptive_field_and_none_beyond():
    field = receptive_field(3, 2, 3)
    x = torch.zeros(1, field + 5, 4)
    x[:, 0] = 1.0
    reached = TCN(4, 3, 2, 3)(x).abs().sum((0, 2)) > 0
    assert reached.tolist() == [True] * field + [False] * 5


def test_a_layer_adds_the_silu_of_a_dilated_convolution():
    tcn, x = TCN(4, 3, 2, 2), torch.randn(1, 9, 4)
    expected = x
    for weight, dilation in zip(tcn.weights, (1, 2), strict=True):
        padded = F.pad(expected.mT, (2 * dilation, 0))
        expected = expected + F.silu(F.conv1d(padded, weight[:, None], dilation=dilation, groups=4)).mT
    torch.testing.assert_close(tcn(x), expected)
    torch.testing.assert_close(tcn(x.flip(1), reverse=True), expected.flip(1))


@given(length=st.integers(1, 100_000), kernel=st.integers(2, 33), data=st.data())
def test_the_fewest_layers_that_span_the_length_are_taken(length, kernel, data):
    factor = data.draw(st.integers(2, kernel))
    layers = fewest_layers(length, kernel, factor)
    assert receptive_field(kernel, factor, layers) >= length
    assert layers == 1 or receptive_field(kernel, factor, layers - 1) < length


@given(kernel=st.integers(2, 6), layers=st.integers(1, 4), data=st.data())
def test_a_factor_up_to_the_kernel_covers_every_distance(kernel, layers, data):
    factor = data.draw(st.integers(1, kernel))
    distances = {0}
    for i in range(layers):
        distances = {d + tap * factor**i for d in distances for tap in range(kernel)}
    assert distances == set(range(receptive_field(kernel, factor, layers)))


@pytest.mark.parametrize(("kernel", "factor"), [(4, 8), (1, 1), (3, 0)])
def test_filters_that_leave_gaps_are_refused(kernel, factor):
    with pytest.raises(UserError, match="factor <= kernel"):
        fewest_layers(64, kernel, factor)
