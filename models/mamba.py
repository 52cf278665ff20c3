"""Mamba: a selective state-space model."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ..harness.model import ParamGroup, SequenceModel
from ..harness.registry import register_model
from ..kernels.depthwise_conv import depthwise_conv
from ..kernels.selective_scan import selective_scan
from .blocks.padding import valid_positions, zero_padding


@register_model(
    "mamba",
    paper="arXiv:2312.00752",
    summary="Selective state-space recurrence whose step, input and read-out depend on the token, with a gate.",
    family="selective recurrence",
)
class Mamba(SequenceModel):
    """Residual blocks ``x += Mixer(RMSNorm(x))`` without a separate MLP, closed by a norm (Gu and Dao 2023).

    What multiplies with what: the state with a decay ``exp(step * A)`` of the token, the input
    with the step and the vector B of the same token, the state with the token's vector C, and the
    result with a gate, the SiLU of another linear map of the token.

    The paper's model is causal. Where a task is not, ours adds a second recurrence to each block
    that runs from the last valid position to the first: the maps into and out of the block and
    the gate are shared, while convolution, step, A, B, C and D are each direction's own; the two
    results are added before the map out.

    Parameters
    ----------
    d_state
        Entries of the state of each channel (N).
    d_conv
        Taps of the short convolution; 0 leaves it out.
    expand
        Channels inside a block, as a multiple of the width (E).
    dt_rank
        Rank of the map to the step (R); by default the width over 16, rounded up.
    """

    width_multiple = 4
    slack = "dt_rank"

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
        self.blocks = nn.ModuleList(Block(width, causal, d_state, d_conv, expand, rank) for _ in range(depth))
        self.norm = nn.RMSNorm(width, eps=1e-5)
        with torch.no_grad():
            for module in self.modules():
                if isinstance(module, Mixer):
                    module.out.weight.div_(math.sqrt(depth))

    def forward(self, x: Tensor, lengths: Tensor | None = None) -> Tensor:
        """Mix `x` (batch, length, width); see `SequenceModel.forward`."""
        valid = valid_positions(x, lengths)
        for block in self.blocks:
            x = block(x, valid)
        return self.norm(x)

    def param_groups(self) -> list[ParamGroup]:
        """Return A and D of every recurrence without decay: their size sets time scales and the skip."""
        recurrences = [module for module in self.modules() if isinstance(module, SelectiveSSM)]
        return [{"params": [p for ssm in recurrences for p in (ssm.A_log, ssm.D)], "weight_decay": 0.0}]


class Block(nn.Module):
    """One residual unit."""

    def __init__(self, width: int, causal: bool, d_state: int, d_conv: int, expand: int, dt_rank: int):
        super().__init__()
        self.norm = nn.RMSNorm(width, eps=1e-5)
        self.mixer = Mixer(width, causal, d_state, d_conv, expand, dt_rank)

    def forward(self, x: Tensor, valid: Tensor | None) -> Tensor:
        return x + self.mixer(self.norm(x), valid)


class Mixer(nn.Module):
    """Map in, recurrence forwards (and backwards where not causal) under a gate, map out."""

    def __init__(self, width: int, causal: bool, d_state: int, d_conv: int, expand: int, dt_rank: int):
        super().__init__()
        inner = expand * width
        self.inner_and_gate = nn.Linear(width, 2 * inner, bias=False)
        self.forwards = SelectiveSSM(inner, d_state, d_conv, dt_rank)
        self.backwards = None if causal else SelectiveSSM(inner, d_state, d_conv, dt_rank)
        self.out = nn.Linear(inner, width, bias=False)

    def forward(self, u: Tensor, valid: Tensor | None) -> Tensor:
        x, z = self.inner_and_gate(u).chunk(2, dim=-1)
        y = self.forwards(x, z)
        if self.backwards is not None:
            # Turned round, padding comes first: it must not move the state before the row begins.
            begun = None if valid is None else valid.flip(1)
            y = y + self.backwards(x.flip(1), z.flip(1), begun).flip(1)
        return self.out(y)


class SelectiveSSM(nn.Module):
    """Short convolution, then the recurrence whose step, B and C are computed from its input (S6)."""

    def __init__(self, channels: int, d_state: int, d_conv: int, dt_rank: int):
        super().__init__()
        self.splits = (dt_rank, d_state, d_state)
        bound = d_conv**-0.5 if d_conv else 0.0
        self.conv_weight = nn.Parameter(torch.empty(channels, d_conv).uniform_(-bound, bound)) if d_conv else None
        self.conv_bias = nn.Parameter(torch.empty(channels).uniform_(-bound, bound)) if d_conv else None
        self.dt_B_C = nn.Linear(channels, dt_rank + 2 * d_state, bias=False)
        self.dt_weight = nn.Parameter(torch.empty(channels, dt_rank).uniform_(-(dt_rank**-0.5), dt_rank**-0.5))
        self.dt_bias = nn.Parameter(initial_dt_bias(channels))
        self.A_log = nn.Parameter(torch.arange(1.0, d_state + 1).log().repeat(channels, 1))
        self.D = nn.Parameter(torch.ones(channels))

    def forward(self, x: Tensor, z: Tensor, valid: Tensor | None = None) -> Tensor:
        x = zero_padding(self.convolve(zero_padding(x, valid)), valid)
        dt, B, C = self.dt_B_C(x).split(self.splits, dim=-1)
        A = -self.A_log.exp()
        return selective_scan(x, F.linear(dt, self.dt_weight), A, B, C, self.D, z, self.dt_bias, delta_softplus=True)

    def convolve(self, x: Tensor) -> Tensor:
        if self.conv_weight is None:
            return F.silu(x)
        return depthwise_conv(x, self.conv_weight, self.conv_bias, activation="silu")


def initial_dt_bias(channels: int, low: float = 1e-3, high: float = 0.1) -> Tensor:
    """Return biases whose softplus, the first step sizes, is log-uniform between `low` and `high`."""
    step = torch.empty(channels).uniform_(math.log(low), math.log(high)).exp().clamp(min=1e-4)
    return step + torch.log(-torch.expm1(-step))
