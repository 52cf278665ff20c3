import cmath

import pytest
import torch
from archarena.harness.errors import UserError
from archarena.models.gateloop import GateLoop, GateLoopMixer
from torch.nn import functional as F


def memory_by_hand(mixer, transition, u):
    """Compute the memory one channel at a time and return its real part, (length, width)."""
    _, k, v, _ = (u @ mixer.q_k_v_gate.weight.T).chunk(4, dim=-1)
    gates = transition.gates(u)
    outputs = torch.zeros_like(k)
    for c in range(k.shape[1]):
        memory = 0.0
        for t in range(len(u)):
            decay = torch.sigmoid(gates[t, c]).item()
            if mixer.forwards.complex:
                decay *= cmath.exp(1j * gates[t, c + k.shape[1]].item())
            memory = decay * memory + (k[t, c] * v[t, c]).item()
            outputs[t, c] = memory.real
    return outputs


def close_by_hand(mixer, memory, u):
    q, _, _, gate = (u @ mixer.q_k_v_gate.weight.T).chunk(4, dim=-1)
    read = q * memory
    normed = read * torch.rsqrt(read.square().mean(-1, keepdim=True) + 1e-5) * mixer.norm.weight
    return (normed * F.silu(gate)) @ mixer.out.weight.T


@pytest.mark.parametrize("complex", [True, False])
def test_a_causal_layer_follows_the_papers_recurrence(complex):
    mixer = GateLoopMixer(5, causal=True, complex=complex).double()
    u = torch.randn(9, 5, dtype=torch.float64)
    expected = close_by_hand(mixer, memory_by_hand(mixer, mixer.forwards, u), u)
    torch.testing.assert_close(mixer(u[None], None)[0], expected)


def test_a_bidirectional_layer_adds_the_recurrence_of_the_reversed_row():
    mixer = GateLoopMixer(5, causal=False, complex=True).double()
    u = torch.randn(9, 5, dtype=torch.float64)
    row = u[:7]
    both = memory_by_hand(mixer, mixer.forwards, row) + memory_by_hand(mixer, mixer.backwards, row.flip(0)).flip(0)
    valid = torch.arange(9)[None] < 7
    torch.testing.assert_close(mixer(u[None], valid)[0, :7], close_by_hand(mixer, both, row))


@pytest.mark.parametrize(("complex", "maps"), [(True, 7), (False, 6)])
def test_a_block_has_a_map_for_each_part(complex, maps):
    with torch.device("meta"):
        mixer, ffn = GateLoop(64, 1, True, complex=complex).blocks
    gates = 128 if complex else 64
    assert sum(p.numel() for p in mixer.mixer.parameters()) == maps * 64**2 + gates + 64
    assert sum(p.numel() for p in ffn.layer.parameters()) == 8 * 64**2 + 5 * 64


def test_a_phase_turns_the_memory_and_can_count():
    mixer = GateLoopMixer(1, causal=True, complex=True).double()
    gates = mixer.forwards.gates
    with torch.no_grad():
        gates.weight.zero_()
        gates.bias.copy_(torch.tensor([40.0, torch.pi / 2]))
    once = torch.tensor([1.0, 0, 0, 0, 0], dtype=torch.float64)[None, :, None]
    memory = mixer.forwards(torch.zeros_like(once), once).real[0, :, 0]
    torch.testing.assert_close(memory, torch.tensor([1.0, 0, -1, 0, 1], dtype=torch.float64), rtol=0, atol=1e-6)


def test_a_hidden_layer_of_no_size_is_refused():
    with pytest.raises(UserError, match="found ffn 0"):
        GateLoop(8, 1, True, ffn=0)
