"""Peers are called with their documented signatures and layouts: stand-ins for them compute our results."""

import sys
from types import ModuleType

import pytest
import torch
from archarena.harness.bench.kernels import relative_error
from archarena.harness.bench.workloads import load
from archarena.kernels.depthwise_conv import depthwise_conv
from archarena.kernels.linear_recurrence import linear_recurrence
from archarena.kernels.selective_scan import selective_scan
from archarena.kernels.ssd import ssd
from archarena.kernels.workload import Contestant, differentiable

CPU = torch.device("cpu")


def selective_scan_fn(
    u, delta, A, B, C, D=None, z=None, delta_bias=None, delta_softplus=False, return_last_state=False
):  # mamba-ssm 2.3: (batch, channels, length), contiguous in time, or it copies
    assert all(x.stride(-1) == 1 for x in (u, delta, B, C, z))
    assert all(x.dtype == torch.float32 for x in (A, D, delta_bias))
    u, delta, B, C, z = (x.mT for x in (u, delta, B, C, z))
    return selective_scan(u, delta, A, B, C, D, z, delta_bias, delta_softplus=delta_softplus).mT


def causal_conv1d_fn(
    x, weight, bias=None, seq_idx=None, initial_states=None, return_final_states=False, final_states_out=None,
    activation=None,
):  # causal-conv1d 1.7: (batch, channels, length), either axis contiguous  # fmt: skip
    assert 1 in x.stride()[1:]
    return depthwise_conv(x.mT, weight, bias, activation=activation).mT


def causal_conv1d(
    x, weight=None, bias=None, residual=None, initial_state=None, output_final_state=False, activation=None
):
    return depthwise_conv(x, weight, bias, activation=activation), None  # fla 0.5: (batch, length, channels)


def scan(gates, tokens):  # accelerated-scan 0.3: (batch, channels, length), contiguous
    assert gates.is_contiguous()
    assert tokens.is_contiguous()
    return linear_recurrence(gates.mT, tokens.mT).mT


def chunk_hgrn(x, g, initial_state=None, output_final_state=False):
    return linear_recurrence(g.exp(), x), None


def chunk_gla(q, k, v, g, scale=None, initial_state=None, output_final_state=False):
    return ssd(v, g, k, q * scale), None


def chunk_simple_gla(q, k, v, g=None, g_gamma=None, scale=None, initial_state=None, output_final_state=False):
    return ssd(v, g, k, q * scale), None


PEERS = {
    "mamba-ssm": ("mamba_ssm.ops.selective_scan_interface", selective_scan_fn),
    "causal-conv1d": ("causal_conv1d", causal_conv1d_fn),
    "flash-linear-attention": ("fla.modules.convolution", causal_conv1d),
    "accelerated-scan": ("accelerated_scan.scalar", scan),
    "accelerated-scan, warp": ("accelerated_scan.warp", scan),
    "flash-linear-attention hgrn": ("fla.ops.hgrn", chunk_hgrn),
    "flash-linear-attention gla": ("fla.ops.gla", chunk_gla),
    "flash-linear-attention simple_gla": ("fla.ops.simple_gla", chunk_simple_gla),
}


@pytest.mark.parametrize("name", PEERS)
def test_a_peer_is_called_as_it_documents(name, monkeypatch):
    module, function = PEERS[name]
    made = ModuleType(module)
    setattr(made, function.__name__, function)
    monkeypatch.setitem(sys.modules, module, made)
    [workload] = [w for w in load() if name in w.peers]
    peer = workload.peers[name].make()
    assert isinstance(peer, Contestant)
    inputs = workload.inputs("check", CPU, torch.float32)
    ready = peer.prepare(inputs)
    found = peer.run(**ready)
    assert relative_error(found, workload.ours(**inputs)) < 1e-5
    torch.autograd.grad(found, differentiable(ready), torch.empty_like(found).normal_())
