import pytest
import torch
from archarena.harness.errors import UserError
from archarena.models.blocks.chunked_attention import ChunkedAttention
from archarena.models.blocks.gated_attention import FeedForward, GatedAttention
from archarena.models.blocks.norms import make_norm
from archarena.models.mega import Mega
from torch import nn
from torch.nn import functional as F


class Doubled(nn.Module):
    def forward(self, x, valid):
        return 2 * x


def unit_around(mixer, causal=True, prenorm=True, width=4, shared=3, value=6):
    attention = ChunkedAttention(shared, 5, causal, "softmax")
    return GatedAttention(width, shared, value, mixer, attention, make_norm("layer", width), prenorm=prenorm)


@pytest.mark.parametrize("prenorm", [True, False])
@pytest.mark.parametrize("causal", [True, False])
def test_the_unit_follows_megas_equations_around_any_filter(causal, prenorm):
    unit = unit_around(Doubled(), causal, prenorm).double()
    with torch.no_grad():
        for p in unit.parameters():
            p.add_(torch.randn_like(p))
    x = torch.randn(1, 7, 4, dtype=torch.float64)

    def norm(x):
        n = (x - x.mean(-1, keepdim=True)) / (x.var(-1, unbiased=False, keepdim=True) + 1e-5).sqrt()
        return n * unit.norm.weight + unit.norm.bias

    n = norm(x) if prenorm else x
    v = F.silu(n @ unit.value.weight.T + unit.value.bias)
    u, z, r, h = (2 * n @ unit.projections.weight.T + unit.projections.bias).split([4, 3, 6, 4], dim=-1)
    q, k = (F.silu(z) * unit.scale[i] + unit.offset[i] for i in (0, 1))
    o = unit.attention(q, k, v)
    h = F.silu(h + (o * F.silu(r)) @ unit.attended.weight.T + unit.attended.bias)
    u = torch.sigmoid(u)
    y = u * h + (1 - u) * x
    torch.testing.assert_close(unit(x), y if prenorm else norm(y))


@pytest.mark.parametrize("prenorm", [True, False])
def test_the_feed_forward_network_norms_its_input_or_its_result(prenorm):
    ffn, x = FeedForward(4, 6, make_norm("scale", 4), prenorm), torch.randn(2, 3, 4)
    y = x + ffn.down(F.silu(ffn.up(ffn.norm(x) if prenorm else x)))
    torch.testing.assert_close(ffn(x), y if prenorm else ffn.norm(y))


def test_weights_start_small_and_biases_at_zero():
    unit = unit_around(Doubled(), width=64, shared=32, value=128)
    for weight in (unit.value.weight, unit.projections.weight, unit.attended.weight, unit.scale):
        assert weight.std().item() == pytest.approx(0.02, rel=0.2)
    biases = (unit.value.bias, unit.projections.bias, unit.attended.bias, unit.offset)
    assert not any(bias.any() for bias in biases)


@pytest.mark.parametrize("wrong", [{"attention": "linear"}, {"bias": "none"}, {"norm": "rms"}])
def test_an_unknown_choice_is_refused_with_those_there_are(wrong):
    with pytest.raises(UserError, match="Unknown"):
        Mega(16, 1, True, 8, **wrong)
