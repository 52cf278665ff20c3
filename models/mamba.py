"""Mamba: a recurrence whose step size, input and output maps depend on the input."""

from __future__ import annotations

import math
from collections.abc import Iterable

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ..harness.model import SequenceModel
from ..harness.registry import register_model
from ..kernels.depthwise_conv import depthwise_conv
from ..kernels.selective_scan import selective_scan
from .blocks.padding import reverse_valid, valid_positions, zero_padding

DT_MIN, DT_MAX, DT_FLOOR = 1e-3, 1e-1, 1e-4
"""Range of the initial step sizes, and the least one (paper, appendix E)."""


@register_model(
    "mamba",
    paper="arXiv:2312.00752",
    summary="Selective state space: a gated diagonal recurrence with input-dependent step, input and output maps.",
    family="selective recurrence",
)
class Mamba(SequenceModel):
    """Residual stack of Mamba blocks (Gu and Dao 2023), closed by a norm.

    A block is ``x += W_out(scan(SiLU(conv(W_x x))) * SiLU(W_z x))`` over RMSNorm(x), with the
    selective scan ``h_t = exp(dt_t A) h_{t-1} + dt_t B_t x_t`` and ``y_t = C_t h_t + D x_t``
    (algorithm 2; A discretised exactly, B by Euler's rule). Step dt, input map B and output map
    C are linear in the block's own filtered input.

    What multiplies with what: the state with a gate made from the input (through dt), the input
    with B and dt, the state with C, and the result with SiLU of a second projection.

    Where the task is not causal, a second scan with a filter and maps of its own runs over each
    row's valid part from its end; the two results are added before the gate, and the projections
    in and out are shared. The paper has no such form; this one is ours.

    Parameters
    ----------
    d_state
        State entries a channel, N.
    d_conv
        Taps of the depthwise convolution before the scan; 0 leaves it out.
    expand
        Channels of the scan as a multiple of the width.
    dt_rank
        Rank of the map to the step sizes; by default a sixteenth of the width, rounded up.
    """

    def __init__(
        self,
        width: int,
        depth: int,
        causal: bool,
        *,
        d_state: int = 16,
        d_conv: int = 4,
        expand: int = 2,
        dt_rank: int | None = None,
    ):
        super().__init__()
        rank = dt_rank or math.ceil(width / 16)
        self.blocks = nn.ModuleList(Block(width, expand * width, d_state, d_conv, rank, causal) for _ in range(depth))
        self.norm = nn.RMSNorm(width, eps=1e-5)
        with torch.no_grad():
            for block in self.blocks:
                block.out.weight /= math.sqrt(depth)  # type: ignore[union-attr, operator]

    def forward(self, x: Tensor, lengths: Tensor | None = None) -> Tensor:
        """Mix `x` (batch, length, width); see `SequenceModel.forward`."""
        for block in self.blocks:
            x = block(x, lengths)
        return self.norm(x)

    def no_decay(self) -> Iterable[nn.Parameter]:
        """Return A_log and D of every scan: decay would pull the dynamics, not the map."""
        for module in self.modules():
            if isinstance(module, SelectiveSSM):
                yield from (module.A_log, module.D)


class Block(nn.Module):
    """Norm, projection, scan (one or two directions), gate, projection, residual."""

    def __init__(self, width: int, channels: int, d_state: int, d_conv: int, rank: int, causal: bool):
        super().__init__()
        self.norm = nn.RMSNorm(width, eps=1e-5)
        self.inward = nn.Linear(width, 2 * channels, bias=False)
        self.scan = SelectiveSSM(channels, d_state, d_conv, rank)
        self.reverse_scan = None if causal else SelectiveSSM(channels, d_state, d_conv, rank)
        self.out = nn.Linear(channels, width, bias=False)

    def forward(self, x: Tensor, lengths: Tensor | None) -> Tensor:
        u, z = self.inward(self.norm(x)).chunk(2, dim=-1)
        if self.reverse_scan is None:
            return x + self.out(self.scan(u, z))
        valid = valid_positions(x, lengths)
        backwards = self.reverse_scan(reverse_valid(zero_padding(u, valid), lengths))
        return x + self.out((self.scan(u) + reverse_valid(backwards, lengths)) * F.silu(z))


class SelectiveSSM(nn.Module):
    """Convolution, SiLU, and the selective scan over (batch, length, channels)."""

    def __init__(self, channels: int, d_state: int, d_conv: int, rank: int):
        super().__init__()
        self.sizes = [rank, d_state, d_state]
        self.conv = nn.Conv1d(1, channels, d_conv) if d_conv else None
        self.maps = nn.Linear(channels, sum(self.sizes), bias=False)
        self.dt_weight = nn.Parameter(torch.empty(channels, rank).uniform_(-(rank**-0.5), rank**-0.5))
        self.dt_bias = nn.Parameter(initial_dt_bias(channels))
        self.A_log = nn.Parameter(torch.arange(1, d_state + 1, dtype=torch.float32).log().repeat(channels, 1))
        self.D = nn.Parameter(torch.ones(channels))

    def forward(self, u: Tensor, z: Tensor | None = None) -> Tensor:
        u = F.silu(u) if self.conv is None else self._filter(u)
        low_rank, B, C = self.maps(u).split(self.sizes, dim=-1)
        delta = low_rank @ self.dt_weight.t()
        A = -self.A_log.float().exp()
        return selective_scan(u, delta, A, B, C, self.D, z, self.dt_bias, delta_softplus=True)

    def _filter(self, u: Tensor) -> Tensor:
        assert self.conv is not None
        return depthwise_conv(u, self.conv.weight.squeeze(1), self.conv.bias, activation="silu")


def initial_dt_bias(channels: int) -> Tensor:
    """Return biases whose softplus is log-uniform in [DT_MIN, DT_MAX], one a channel."""
    dt = torch.empty(channels).uniform_(math.log(DT_MIN), math.log(DT_MAX)).exp().clamp(min=DT_FLOOR)
    return dt + (-torch.expm1(-dt)).log()
