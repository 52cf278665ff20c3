import math

import pytest
import torch
from archarena.harness.errors import UserError
from archarena.models.blocks.chunked_attention import ChunkedAttention, RotaryBias
from archarena.models.blocks.rotary import rotary_angles, rotate

every_weighting = pytest.mark.parametrize("weighting", ["softmax", "laplace", "relu2"])


def attend_by_hand(layer, q, k, v, length):
    """Compute one query of one row at a time, with the valid keys of its chunk; if causal, only earlier ones."""
    rows, size = [], min(layer.chunk, len(q))
    for t in range(length):
        start = t // size * size
        keys = list(range(start, t + 1 if layer.causal else min(start + size, length)))
        bias = layer.bias(size)[t - start, [s - start for s in keys]]
        products = k[keys] @ q[t]
        if layer.weighting == "softmax":
            weights = (products / math.sqrt(len(q[t])) + bias).softmax(0)
        elif layer.weighting == "laplace":
            weights = 0.5 * (1 + torch.erf((products / len(keys) + bias - 0.5**0.5) / (0.282095 * 2**0.5)))
        else:
            weights = (products / len(keys) + bias).clamp(min=0) ** 2
        rows.append(weights @ v[keys])
    return torch.stack(rows)


@every_weighting
@pytest.mark.parametrize("causal", [True, False])
@pytest.mark.parametrize(("length", "held"), [(8, 8), (10, 10), (10, 5), (3, 3), (1, 1)])
def test_chunked_attention_follows_its_definition(weighting, causal, length, held):
    layer = ChunkedAttention(3, 4, causal, weighting).double()
    q, k = torch.randn(2, 1, length, 3, dtype=torch.float64)
    v = torch.randn(1, length, 5, dtype=torch.float64)
    y = layer(q, k, v, torch.arange(length)[None] < held)
    expected = attend_by_hand(layer, q[0], k[0], v[0], held)
    torch.testing.assert_close(y[0, :held], expected, rtol=1e-5, atol=1e-6)


@every_weighting
@pytest.mark.parametrize("length", [4, 10])
def test_attention_stays_inside_its_chunk(weighting, length):
    attention = ChunkedAttention(3, 4, causal=False, weighting=weighting)
    q, k = torch.randn(2, 1, length, 3).abs()
    v = torch.randn(1, length, 5, requires_grad=True)
    y = attention(q, k, v)
    for t in range(length):
        seen = torch.autograd.grad(y[:, t].sum(), v, retain_graph=True)[0].abs().sum((0, 2)) > 0
        assert seen.tolist() == [s // 4 == t // 4 for s in range(length)]


@pytest.mark.parametrize("kind", ["simple", "rotary"])
@pytest.mark.parametrize("causal", [True, False])
def test_a_bias_depends_on_distance_alone(kind, causal):
    bias = ChunkedAttention(4, 6, causal, "softmax", kind).bias
    whole, part = bias(6), bias(4)
    torch.testing.assert_close(whole[2:, 2:], part)
    for distance in range(6):
        line = whole.diagonal(-distance)
        torch.testing.assert_close(line, line[:1].expand_as(line))
    assert causal or len(whole.unique()) == 11


def test_a_rotary_bias_is_the_product_of_two_turned_vectors():
    bias, rotation = RotaryBias(8, causal=False), rotary_angles(torch.arange(5), 8)
    query, key = (rotate(vector.expand(5, 8), rotation) for vector in (bias.query, bias.key))
    torch.testing.assert_close(bias(5), query @ key.T)


def test_a_rotary_bias_needs_pairs_of_channels():
    with pytest.raises(UserError, match="must be even, found 7"):
        RotaryBias(7, causal=True)
