import pytest
import torch
from archarena.harness.errors import UserError
from archarena.models.blocks.rotary import rotary_angles, rotate
from archarena.models.transformer import Attention, SwiGLU, Transformer
from torch.nn import functional as F


@pytest.mark.parametrize("causal", [True, False])
def test_attention_is_a_softmax_of_rotated_products(causal):
    layer = Attention(8, heads=2, causal=causal).double()
    x = torch.randn(1, 5, 8, dtype=torch.float64)
    rotation = rotary_angles(torch.arange(5), 4)
    valid = torch.tensor([[True, True, True, True, False]])
    q, k, v = (part.view(5, 2, 4).transpose(0, 1) for part in (x[0] @ layer.qkv.weight.T).chunk(3, dim=-1))
    scores = rotate(q, rotation) @ rotate(k, rotation).transpose(1, 2) / 2
    seen = torch.ones(5, 5, dtype=torch.bool).tril() if causal else valid
    weights = scores.masked_fill(~seen, -torch.inf).softmax(-1)
    expected = (weights @ v).transpose(0, 1).reshape(5, 8) @ layer.out.weight.T
    torch.testing.assert_close(layer(x, rotation, valid)[0, :4], expected[:4], rtol=1e-6, atol=1e-7)


def test_swiglu_multiplies_a_gate_with_a_value():
    layer, x = SwiGLU(4, 6), torch.randn(3, 4)
    gate, value = layer.up.weight[:6], layer.up.weight[6:]
    torch.testing.assert_close(layer(x), (F.silu(x @ gate.T) * (x @ value.T)) @ layer.down.weight.T)


@pytest.mark.parametrize(("width", "head_dim"), [(16, 16), (32, 32), (48, 16), (64, 32), (256, 32)])
def test_heads_have_32_channels_where_the_width_allows(width, head_dim):
    assert Transformer(width, 1, True).head_dim == head_dim


def test_no_layer_has_a_bias():
    assert not [name for name, _ in Transformer(16, 2, True).named_parameters() if "bias" in name]


def test_the_short_convolution_is_on_by_default_and_can_be_left_out():
    names = {name for name, _ in Transformer(16, 1, True).named_parameters()}
    without = {name for name, _ in Transformer(16, 1, True, short_conv=0).named_parameters()}
    assert names - without == {"blocks.0.conv.weight"}


def test_maps_to_the_residual_stream_shrink_with_depth():
    one, four = (Transformer(64, depth, True).blocks[0].attention.out.weight.std() for depth in (1, 4))
    assert (one / four).item() == pytest.approx(2.0, rel=0.05)


@pytest.mark.parametrize("wrong", [{"heads": 16}, {"heads": 3}, {"short_conv": 2}])
def test_sizes_that_do_not_fit_are_told(wrong):
    with pytest.raises(UserError, match="transformer needs"):
        Transformer(16, 1, False, **wrong)
