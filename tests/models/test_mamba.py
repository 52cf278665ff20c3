import math

import pytest
import torch
from archarena.harness import build
from archarena.harness.contract.spec import PerPosition, Size, TaskSpec, Tokens
from archarena.harness.errors import UserError
from archarena.models.mamba import Mamba, Mixer, SelectiveSSM
from torch.nn import functional as F


def ssm_by_hand(ssm, x, z):
    """Compute algorithm 2 of the paper after its convolution, one step and one row at a time."""
    taps = ssm.conv_weight.shape[1]
    padded = F.pad(x, (0, 0, taps - 1, 0))
    x = F.silu(torch.stack([(padded[t : t + taps] * ssm.conv_weight.T).sum(0) for t in range(len(x))]) + ssm.conv_bias)
    rank, states = ssm.dt_weight.shape[1], ssm.A_log.shape[1]
    h, outputs = torch.zeros(x.shape[1], states, dtype=x.dtype), []
    for x_t, z_t in zip(x, z, strict=True):
        dt, B, C = (ssm.dt_B_C.weight @ x_t).split([rank, states, states])
        step = torch.log1p(torch.exp(ssm.dt_weight @ dt + ssm.dt_bias))
        h = torch.exp(step[:, None] * -torch.exp(ssm.A_log)) * h + (step * x_t)[:, None] * B
        outputs.append((h @ C + ssm.D * x_t) * F.silu(z_t))
    return torch.stack(outputs)


def test_a_causal_block_follows_the_papers_recurrence():
    mixer = Mixer(6, causal=True, d_state=4, d_conv=3, expand=2, dt_rank=2).double()
    u = torch.randn(9, 6, dtype=torch.float64)
    x, z = (mixer.inner_and_gate.weight @ u.T).T.chunk(2, dim=-1)
    expected = ssm_by_hand(mixer.forwards, x, z) @ mixer.out.weight.T
    torch.testing.assert_close(mixer(u[None], None)[0], expected)


def test_a_complex_state_is_read_with_its_conjugate():
    ssm = SelectiveSSM(channels=3, d_state=4, d_conv=2, dt_rank=1, complex=True).double()
    x, z = torch.randn(2, 1, 7, 3, dtype=torch.float64)
    u, A = ssm.convolve(x)[0], torch.complex(-ssm.A_log.exp(), ssm.A_imag)
    h, outputs = torch.zeros(3, 2, dtype=A.dtype), []
    for u_t, z_t in zip(u, z[0], strict=True):
        dt, B, C = (ssm.dt_B_C.weight @ u_t).split([1, 4, 4])
        B, C = (part[0::2] + 1j * part[1::2] for part in (B, C))
        step = F.softplus(ssm.dt_weight @ dt + ssm.dt_bias)
        h = torch.exp(step[:, None] * A) * h + (step * u_t)[:, None] * B
        pair = torch.stack([h @ C, h.conj() @ C.conj()]).sum(0)
        outputs.append((pair.real + ssm.D * u_t) * F.silu(z_t))
    torch.testing.assert_close(ssm(x, z)[0], torch.stack(outputs))


def test_the_complex_form_has_as_many_parameters_and_frequencies_of_s4d_lin():
    with_real, with_complex = (Mamba(16, 1, True, complex=on) for on in (False, True))
    sizes = [sum(p.numel() for p in model.parameters()) for model in (with_real, with_complex)]
    assert sizes[0] == sizes[1]
    ssm = with_complex.blocks[0].mixer.forwards
    torch.testing.assert_close(ssm.A_imag, (math.pi * torch.arange(8.0)).expand(32, 8))
    assert (ssm.A_log.exp() - 0.5).abs().max() < 1e-6
    with pytest.raises(UserError, match="found 15"):
        Mamba(16, 1, True, d_state=15, complex=True)


def test_a_bidirectional_block_adds_the_recurrence_of_the_reversed_row():
    mixer = Mixer(6, causal=False, d_state=4, d_conv=3, expand=2, dt_rank=2).double()
    u = torch.randn(1, 9, 6, dtype=torch.float64)
    valid = torch.arange(9)[None] < 7
    x, z = (mixer.inner_and_gate.weight @ u[0, :7].T).T.chunk(2, dim=-1)
    backwards = ssm_by_hand(mixer.backwards, x.flip(0), z.flip(0)).flip(0)
    expected = (ssm_by_hand(mixer.forwards, x, z) + backwards) @ mixer.out.weight.T
    torch.testing.assert_close(mixer(u, valid)[0, :7], expected)


@pytest.mark.parametrize(("width", "parameters"), [(64, 32_640), (128, 116_480), (256, 437_760), (512, 1_694_720)])
def test_a_block_has_the_papers_size(width, parameters):
    with torch.device("meta"):
        mixer = Mamba(width, 1, True).blocks[0].mixer
    assert sum(p.numel() for p in mixer.parameters()) == parameters


def test_initial_values_are_the_papers():
    ssm = SelectiveSSM(channels=512, d_state=16, d_conv=4, dt_rank=8)
    torch.testing.assert_close(ssm.A_log.exp(), torch.arange(1.0, 17).expand(512, 16))
    assert (ssm.D == 1).all()
    assert ssm.dt_weight.abs().max() <= 8**-0.5
    steps = F.softplus(ssm.dt_bias)
    assert 0.99e-3 <= steps.min() < 1.2e-3
    assert 0.08 < steps.max() <= 0.101
    assert steps.log().mean().item() == pytest.approx((math.log(1e-3) + math.log(0.1)) / 2, abs=0.2)


def test_maps_to_the_residual_stream_shrink_with_depth():
    one, four = (Mamba(64, depth, True).blocks[0].mixer.out.weight.std() for depth in (1, 4))
    assert (one / four).item() == pytest.approx(2.0, rel=0.05)


@pytest.mark.parametrize("complex", [True, False])
@pytest.mark.parametrize("causal", [True, False])
def test_time_scales_and_skips_do_not_decay(causal, complex):
    model = Mamba(8, 2, causal, complex=complex)
    (group,) = model.param_groups()
    assert group["weight_decay"] == 0.0
    exempt = {id(p) for p in group["params"]}
    names = {name.rsplit(".", 1)[-1] for name, p in model.named_parameters() if id(p) in exempt}
    assert names == {"A_log", "D"} | ({"A_imag"} if complex else set())
    assert len(exempt) == 2 * len(names) * (1 if causal else 2)


def test_without_its_convolution_one_block_sees_neighbours_through_the_state_alone():
    with_conv, without = Mamba(8, 1, True), Mamba(8, 1, True, d_conv=0)
    ratio = sum(p.numel() for p in with_conv.parameters()) - sum(p.numel() for p in without.parameters())
    assert ratio == 2 * 8 * (4 + 1)
    x = torch.randn(1, 5, 8)
    with torch.no_grad():
        without.blocks[0].mixer.forwards.dt_B_C.weight.zero_()
    changed = torch.cat([x[:, :3] + 1, x[:, 3:]], dim=1)
    assert torch.equal(without(x)[:, 3:], without(changed)[:, 3:])


ROWS = TaskSpec(Tokens(24, 6), PerPosition(24), causal=True)


def test_a_tied_head_is_zoologys_embedding_after_one_layer_norm():
    built, free = (build(Mamba, ROWS, Size(8, 1), tied=tied) for tied in (True, False))
    table = built.embedding.table.weight
    assert table.std().item() == pytest.approx(0.02, rel=0.25)
    tokens = torch.randint(1, 24, (3, 6))
    x = built.core.blocks[0](built.embedding.table(tokens), None)
    expected = torch.nn.functional.layer_norm(x, (8,)) @ table.T
    torch.testing.assert_close(built(tokens=tokens), expected)
    # Compared with the usual head: no RMSNorm of its own, and no second matrix with a bias.
    assert sum(p.numel() for p in free.parameters()) - sum(p.numel() for p in built.parameters()) == 8 + 24 * 8 + 24
    assert len({name for name in built.state_dict() if name.startswith("embedding")}) == 1


def test_a_tied_head_needs_an_output_per_token():
    with pytest.raises(UserError, match="one output per token of the vocabulary"):
        build(Mamba, TaskSpec(Tokens(24, 6), PerPosition(5), causal=True), Size(8, 1), tied=True)
