import math

import pytest
import torch
from archarena.models.blocks.gated_attention import ChunkedAttention, GatedAttention, laplace
from torch import nn
from torch.nn import functional as F


def attend_by_hand(layer, q, k, v, length):
    """One query of one row at a time; keys are those of its chunk, before it where causal, and below `length`."""
    rows = []
    for t in range(length):
        start = t // layer.chunk * layer.chunk
        keys = list(range(start, t + 1 if layer.causal else min(start + layer.chunk, length)))
        bias = layer.bias[[t - s if layer.causal else t - s + layer.chunk - 1 for s in keys]]
        products = k[keys] @ q[t]
        if layer.weighting == "softmax":
            weights = (products / math.sqrt(len(q[t])) + bias).softmax(0)
        else:
            weights = 0.5 * (1 + torch.erf((products / len(keys) + bias - 0.5**0.5) / (0.282095 * 2**0.5)))
        rows.append(weights @ v[keys])
    return torch.stack(rows)


@pytest.mark.parametrize("weighting", ["softmax", "laplace"])
@pytest.mark.parametrize("causal", [True, False])
@pytest.mark.parametrize(("length", "held"), [(8, 8), (10, 10), (10, 5), (3, 3), (1, 1)])
def test_chunked_attention_follows_its_definition(weighting, causal, length, held):
    layer = ChunkedAttention(4, causal, weighting).double()
    q, k = torch.randn(2, 1, length, 3, dtype=torch.float64)
    v = torch.randn(1, length, 5, dtype=torch.float64)
    y = layer(q, k, v, torch.arange(length)[None] < held)
    expected = attend_by_hand(layer, q[0], k[0], v[0], held)
    torch.testing.assert_close(y[0, :held], expected, rtol=1e-5, atol=1e-6)


def test_laplace_is_a_smooth_step_with_values_between_zero_and_one():
    x = torch.tensor([-3.0, math.sqrt(0.5), 3.0])
    torch.testing.assert_close(laplace(x), torch.tensor([0.0, 0.5, 1.0]))


class Doubled(nn.Module):
    def forward(self, x, valid):
        return 2 * x


@pytest.mark.parametrize("causal", [True, False])
def test_the_unit_follows_megas_equations_around_any_filter(causal):
    unit = GatedAttention(4, 3, 6, Doubled(), chunk=5, causal=causal).double()
    with torch.no_grad():
        for p in unit.parameters():
            p.add_(torch.randn_like(p))
    x = torch.randn(1, 7, 4, dtype=torch.float64)
    n = (x - x.mean(-1, keepdim=True)) / (x.var(-1, unbiased=False, keepdim=True) + 1e-5).sqrt()
    n = n * unit.norm.weight + unit.norm.bias
    v = F.silu(n @ unit.value.weight.T + unit.value.bias)
    u, z, r, h = (2 * n @ unit.projections.weight.T + unit.projections.bias).split([4, 3, 6, 4], dim=-1)
    q, k = (F.silu(z) * unit.scale[i] + unit.offset[i] for i in (0, 1))
    o = attend_by_hand(unit.attention, q[0], k[0], v[0], 7)
    h = F.silu(h + (o * F.silu(r)) @ unit.attended.T)
    u = torch.sigmoid(u)
    torch.testing.assert_close(unit(x), u * h + (1 - u) * x)


def test_weights_start_small_and_biases_at_zero():
    unit = GatedAttention(64, 32, 128, Doubled(), chunk=8, causal=True)
    for weight in (unit.value.weight, unit.projections.weight, unit.attended, unit.scale):
        assert weight.std().item() == pytest.approx(0.02, rel=0.2)
    assert not any(bias.any() for bias in (unit.value.bias, unit.projections.bias, unit.offset))
