import math

import pytest
import torch
from archarena.harness.errors import UserError
from archarena.models.mamba2 import Mamba2, Mixer, SelectiveSSM
from torch.nn import functional as F


def ssm_by_hand(ssm, u, x):
    """Compute the recurrence of state-space duality after its convolution, one step and one row at a time."""
    inner, d_state, _ = ssm.splits
    heads, taps = len(ssm.D), ssm.conv_weight.shape[1]
    B_C, dt = (ssm.B_C_dt.weight @ u.T).T.split([2 * d_state, heads], dim=-1)
    padded = F.pad(torch.cat([x, B_C], -1), (0, 0, taps - 1, 0))
    convolved = torch.stack([(padded[t : t + taps] * ssm.conv_weight.T).sum(0) for t in range(len(x))])
    S, outputs = torch.zeros(heads, inner // heads, d_state, dtype=x.dtype), []
    for x_B_C, dt_t in zip(F.silu(convolved + ssm.conv_bias), dt, strict=True):
        x_t, B, C = x_B_C.split(ssm.splits)
        x_t, step = x_t.view(heads, -1), torch.log1p(torch.exp(dt_t + ssm.dt_bias))
        decay = torch.exp(-torch.exp(ssm.A_log) * step)
        S = decay[:, None, None] * S + step[:, None, None] * x_t[:, :, None] * B
        outputs.append((S @ C + ssm.D[:, None] * x_t).flatten())
    return torch.stack(outputs)


def close_by_hand(mixer, y, z):
    gated = y * F.silu(z)
    normed = gated * torch.rsqrt(gated.square().mean(-1, keepdim=True) + 1e-5) * mixer.norm.weight
    return normed @ mixer.out.weight.T


def test_a_causal_block_follows_the_papers_recurrence():
    mixer = Mixer(6, inner=12, heads=3, causal=True, d_state=5, d_conv=3).double()
    u = torch.randn(9, 6, dtype=torch.float64)
    z, x = (mixer.gate_and_inner.weight @ u.T).T.chunk(2, dim=-1)
    torch.testing.assert_close(mixer(u[None], None)[0], close_by_hand(mixer, ssm_by_hand(mixer.forwards, u, x), z))


def test_a_bidirectional_block_adds_the_recurrence_of_the_reversed_row():
    mixer = Mixer(6, inner=12, heads=3, causal=False, d_state=5, d_conv=3).double()
    u = torch.randn(1, 9, 6, dtype=torch.float64)
    valid = torch.arange(9)[None] < 7
    z, x = (mixer.gate_and_inner.weight @ u[0, :7].T).T.chunk(2, dim=-1)
    backwards = ssm_by_hand(mixer.backwards, u[0, :7].flip(0), x.flip(0)).flip(0)
    expected = close_by_hand(mixer, ssm_by_hand(mixer.forwards, u[0, :7], x) + backwards, z)
    torch.testing.assert_close(mixer(u, valid)[0, :7], expected)


@pytest.mark.parametrize("width", [64, 128, 768])
def test_a_block_has_the_papers_size(width):
    with torch.device("meta"):
        mixer = Mamba2(width, 1, True).blocks[0].mixer
    inner, states, heads = 2 * width, 128, 2 * width // 64
    projections = width * (2 * inner + 2 * states + heads) + inner * width
    assert sum(p.numel() for p in mixer.parameters()) == projections + 5 * (inner + 2 * states) + 3 * heads + inner


def test_heads_are_as_wide_as_asked_or_divide_the_width():
    assert len(Mamba2(64, 1, True).blocks[0].mixer.forwards.D) == 2
    assert len(Mamba2(24, 1, True).blocks[0].mixer.forwards.D) == 48 // math.gcd(48, 64)


def test_initial_values_are_the_papers():
    ssm = SelectiveSSM(8, inner=512, heads=512, d_state=4, d_conv=4)
    decays = ssm.A_log.exp()
    assert 1 <= decays.min() < 1.5
    assert 15.5 < decays.max() <= 16
    assert decays.mean().item() == pytest.approx(8.5, abs=0.6)
    assert (ssm.D == 1).all()
    steps = F.softplus(ssm.dt_bias)
    assert 0.99e-3 <= steps.min() < 1.2e-3
    assert 0.08 < steps.max() <= 0.101


def test_a_state_of_no_size_is_refused():
    with pytest.raises(UserError, match="at least 1: found 0, 4, 2 and 64"):
        Mamba2(8, 1, True, d_state=0)
