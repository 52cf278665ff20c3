"""Mamba-2: a selective recurrence over matrix states with one decay per head."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ..harness import UserError, register_model
from ..kernels.depthwise_conv import depthwise_conv
from ..kernels.ssd import ssd
from .blocks.norms import RMSNorm
from .blocks.padding import zero_padding
from .blocks.residual import Residual, ResidualStack
from .blocks.short_conv import convolve_on, initial_taps
from .blocks.time_step import softplus_steps

State = tuple[Tensor, Tensor]
"""The convolution's last inputs (batch, taps - 1, channels), and the recurrence's state (batch, heads, p, n)."""


@register_model(
    "mamba2",
    paper="arXiv:2405.21060",
    summary="Selective recurrence over matrix states with one decay per head, computed as matrix products in chunks.",
    family="selective recurrence",
)
class Mamba2(ResidualStack):
    """Residual blocks ``x += Mixer(RMSNorm(x))`` without a separate MLP, then a norm (Dao and Gu 2024).

    Products: the state of each head with one decay ``exp(step * A)`` computed from the token; the
    input, as an outer product, with the token's vector B and step; the state with the token's
    vector C; and the result with a gate, before its norm. Unlike in Mamba, B, C and the step are
    computed directly from the block's input, and the short convolution also covers B and C.

    The paper's model is causal. On non-causal tasks we add to each block a second recurrence from
    the last valid position to the first. z, x, the norm and the output map are shared; each
    direction has its own B, C, step, convolution, A and D. The results are added before the gate
    and the norm.

    Parameters
    ----------
    d_state
        Size of B and C (N); a head's state has P times as many entries.
    d_conv
        Taps of the short convolution.
    expand
        Channels inside a block, as a multiple of the width (E).
    head_dim
        Channels per head (P); if the inner channels are not a multiple of it, the greatest common
        divisor of the two.
    """

    width_multiple = 8
    slack = "d_state"
    bounds = {"d_state": (1, 2**20), "d_conv": (1, 256), "expand": (1, 64), "head_dim": (1, 4096)}

    def __init__(
        self,
        width: int,
        depth: int,
        causal: bool,
        *,
        d_state: int = 128,
        d_conv: int = 4,
        expand: int = 2,
        head_dim: int = 64,
    ):
        super().__init__()
        if min(d_state, d_conv, expand, head_dim) < 1:
            raise UserError(
                "mamba2 needs d_state, d_conv, expand and head_dim of at least 1: "
                f"found {d_state}, {d_conv}, {expand} and {head_dim}."
            )
        inner = expand * width
        heads = inner // math.gcd(inner, head_dim)
        mixers = [Mixer(width, inner, heads, causal, d_state, d_conv) for _ in range(depth)]
        self.blocks = nn.ModuleList(Residual(RMSNorm(width, eps=1e-5), mixer) for mixer in mixers)
        self.norm = RMSNorm(width, eps=1e-5)
        with torch.no_grad():
            for mixer in mixers:
                mixer.out.weight.div_(math.sqrt(depth))


class Mixer(nn.Module):
    """Input map, recurrence (in both directions if not causal), gated norm, output map."""

    def __init__(self, width: int, inner: int, heads: int, causal: bool, d_state: int, d_conv: int):
        super().__init__()
        self.gate_and_inner = nn.Linear(width, 2 * inner, bias=False)
        self.forwards = SelectiveSSM(width, inner, heads, d_state, d_conv)
        self.backwards = None if causal else SelectiveSSM(width, inner, heads, d_state, d_conv)
        self.norm = nn.RMSNorm(inner, eps=1e-5)
        self.out = nn.Linear(inner, width, bias=False)

    def forward(self, u: Tensor, valid: Tensor | None) -> Tensor:
        z, x = self.gate_and_inner(u).chunk(2, dim=-1)
        y = self.forwards(u, x)
        if self.backwards is not None:
            # When reversed, padding comes first: it must not change the state before the row starts.
            begun = None if valid is None else valid.flip(1)
            y = y + self.backwards(u.flip(1), x.flip(1), begun).flip(1)
        return self.out(self.norm(y * F.silu(z)))

    def init_state(self, batch: int) -> State:
        return self.forwards.init_state(batch)

    def step(self, u: Tensor, state: State) -> tuple[Tensor, State]:
        z, x = self.gate_and_inner(u).chunk(2, dim=-1)
        y, state = self.forwards.go_on(u[:, None], x[:, None], state)
        return self.out(self.norm(y[:, 0] * F.silu(z))), state


class SelectiveSSM(nn.Module):
    """Short convolution over x, B and C, then the recurrence with one decay per head (SSD)."""

    def __init__(self, width: int, inner: int, heads: int, d_state: int, d_conv: int):
        super().__init__()
        self.splits = (inner, d_state, d_state)
        self.B_C_dt = nn.Linear(width, 2 * d_state + heads, bias=False)
        self.conv_weight, self.conv_bias = initial_taps(sum(self.splits), d_conv)
        self.dt_bias = nn.Parameter(softplus_steps(heads))
        self.A_log = nn.Parameter(torch.empty(heads).uniform_(1.0, 16.0).log())
        self.D = nn.Parameter(torch.ones(heads))

    def forward(self, u: Tensor, x: Tensor, valid: Tensor | None = None) -> Tensor:
        x_B_C, dt = self.split(u, x)
        x_B_C = depthwise_conv(zero_padding(x_B_C, valid), self.conv_weight, self.conv_bias, activation="silu")
        return self.scan(zero_padding(x_B_C, valid), dt, None)[0]

    def go_on(self, u: Tensor, x: Tensor, state: State) -> tuple[Tensor, State]:
        """Continue `forward` from `state`; return the outputs and the new state."""
        before, S = state
        x_B_C, dt = self.split(u, x)
        x_B_C, before = convolve_on(x_B_C, self.conv_weight, self.conv_bias, before)
        y, S = self.scan(x_B_C, dt, S)
        return y, (before, S)

    def init_state(self, batch: int) -> State:
        (inner, d_state, _), (heads,), taps = self.splits, self.D.shape, self.conv_weight.shape[1]
        before = self.D.new_zeros(batch, taps - 1, sum(self.splits))
        return before, self.D.new_zeros(batch, heads, inner // heads, d_state)

    def split(self, u: Tensor, x: Tensor) -> tuple[Tensor, Tensor]:
        B_C, dt = self.B_C_dt(u).split([2 * self.splits[1], len(self.D)], dim=-1)
        return torch.cat([x, B_C], dim=-1), dt

    def scan(self, x_B_C: Tensor, dt: Tensor, S: Tensor | None) -> tuple[Tensor, Tensor]:
        x, B, C = x_B_C.split(self.splits, dim=-1)
        x = x.unflatten(-1, (len(self.D), -1))
        step = F.softplus(dt + self.dt_bias)
        B, C = (part[:, :, None].expand(-1, -1, len(self.D), -1) for part in (B, C))
        y, S = ssd(x * step[..., None], -self.A_log.exp() * step, B, C, S, return_final_state=True)
        return (y + self.D[:, None] * x).flatten(2), S
