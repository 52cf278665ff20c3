import pytest
import torch
from archarena.harness.errors import UserError
from archarena.models.gla import GLA, GatedLinearAttention
from torch.nn import functional as F


def memory_by_hand(layer, u, logits):
    """Compute one head, step and row at a time; returns (length, heads, value channels)."""
    heads, (keys, _, values, _) = layer.heads, layer.splits
    q, k, v, _ = (u @ layer.q_k_v_gate.weight.T).split(layer.splits, dim=-1)
    decay = torch.exp(F.logsigmoid(logits(u)) / 16)
    outputs = torch.zeros(len(u), heads, values // heads, dtype=u.dtype)
    for h in range(heads):
        key, value = (
            slice(h * keys // heads, (h + 1) * keys // heads),
            slice(h * values // heads, (h + 1) * values // heads),
        )
        S = torch.zeros(keys // heads, values // heads, dtype=u.dtype)
        for t in range(len(u)):
            S = decay[t, key, None] * S + torch.outer(k[t, key], v[t, value])
            outputs[t, h] = (q[t, key] * (keys // heads) ** -0.5) @ S
    return outputs


def close_by_hand(layer, y, u):
    normed = y * torch.rsqrt(y.square().mean(-1, keepdim=True) + 1e-6) * layer.norm.weight
    gate = (u @ layer.q_k_v_gate.weight.T)[:, -normed[0].numel() :]
    return (normed.flatten(1) * F.silu(gate)) @ layer.out.weight.T


def test_a_causal_layer_follows_the_papers_recurrence():
    layer, u = GatedLinearAttention(16, heads=2, causal=True).double(), torch.randn(21, 16, dtype=torch.float64)
    expected = close_by_hand(layer, memory_by_hand(layer, u, layer.forwards), u)
    torch.testing.assert_close(layer(u[None], None)[0], expected)


def test_a_bidirectional_layer_adds_the_recurrence_of_the_reversed_row():
    layer, u = GatedLinearAttention(16, heads=2, causal=False).double(), torch.randn(9, 16, dtype=torch.float64)
    row = u[:7]
    both = memory_by_hand(layer, row, layer.forwards) + memory_by_hand(layer, row.flip(0), layer.backwards).flip(0)
    valid = torch.arange(9)[None] < 7
    torch.testing.assert_close(layer(u[None], valid)[0, :7], close_by_hand(layer, both, row))


@pytest.mark.parametrize("width", [64, 512])
def test_a_block_has_the_papers_size(width):
    with torch.device("meta"):
        mixer, ffn = GLA(width, 1, True, ffn=3 * width).blocks
    gates = width * 16 + 16 * width // 2 + width // 2
    assert sum(p.numel() for p in mixer.mixer.parameters()) == 4 * width**2 + gates + width // 4
    assert sum(p.numel() for p in ffn.layer.parameters()) == 9 * width**2


def test_weights_start_small_and_memory_long():
    model = GLA(64, 1, True)
    layer = model.blocks[0].mixer
    assert layer.q_k_v_gate.weight.std().item() == pytest.approx(0.02, rel=0.05)
    decays = layer.log_decay(layer.forwards, torch.randn(1, 50, 64)).exp()
    torch.testing.assert_close(decays, torch.full_like(decays, 0.5 ** (1 / 16)), rtol=0.01, atol=0)


def test_a_width_that_heads_do_not_divide_is_refused():
    with pytest.raises(UserError, match="width 20, 4 heads"):
        GLA(20, 1, True)
