"""Mamba: a selective state-space model."""

from __future__ import annotations

import math
from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ..harness import Built, ParamGroup, Size, TaskSpec, Tokens, UserError, assemble, register_model
from ..kernels.depthwise_conv import depthwise_conv
from ..kernels.selective_scan import selective_scan
from .blocks.norms import RMSNorm
from .blocks.padding import zero_padding
from .blocks.residual import Residual, ResidualStack
from .blocks.short_conv import convolve_on, initial_taps
from .blocks.spectrum import spectrum
from .blocks.time_step import softplus_steps

TIED_STD = 0.02
"""Standard deviation of Zoology's initial embeddings, which are also its output weights."""

State = tuple[Tensor, Tensor]
"""The convolution's last inputs (batch, taps - 1, channels), and the recurrence's state (batch, channels, states)."""


@register_model(
    "mamba",
    paper="arXiv:2312.00752",
    summary="Selective state-space recurrence with token-dependent step, input and output weights, and a gate.",
    family="selective recurrence",
)
class Mamba(ResidualStack):
    """Residual blocks ``x += Mixer(RMSNorm(x))`` without a separate MLP, then a norm (Gu and Dao 2023).

    Products: the state with a decay ``exp(step * A)`` computed from the token; the input with the
    token's step and vector B; the state with the token's vector C; and the result with a gate, the
    SiLU of another linear map of the token.

    The paper's model is causal. On non-causal tasks each block has a second recurrence from the last
    valid position to the first, as in v2 of Vim (Zhu et al. 2024, arXiv:2401.09417). The input and
    output maps and the gate are shared; each direction has its own convolution, step, A, B, C and D.
    The results are added before the output map.

    Parameters
    ----------
    d_state
        Real numbers in the state of each channel (N).
    d_conv
        Taps of the short convolution; 0 removes it.
    expand
        Channels inside a block, as a multiple of the width (E).
    dt_rank
        Rank of the map to the step (R); the width / 16, rounded up, by default.
    complex
        Whether the state has d_state / 2 complex numbers, each with its conjugate, instead of d_state
        real ones. B and C are then complex, the output is real, and A is initialized as in S4D-Lin
        (-1/2 + i pi n).
    tied
        Whether to use Zoology's embedding and head, for tasks with a target per token: the head is the
        embedding table, initialized with standard deviation 0.02, after a single LayerNorm.
    """

    width_multiple = 4
    slack = "dt_rank"
    bounds = {"d_state": (1, 4096), "d_conv": (1, 256), "expand": (1, 64), "dt_rank": (1, 2**20)}

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
        complex: bool = False,
        tied: bool = False,
    ):
        super().__init__()
        if complex and d_state % 2:
            raise UserError(f"mamba needs an even d_state if complex is True: found {d_state}.")
        rank = dt_rank or math.ceil(width / 16)
        mixers = [Mixer(width, causal, d_state, d_conv, expand, rank, complex) for _ in range(depth)]
        self.blocks = nn.ModuleList(Residual(RMSNorm(width, eps=1e-5), mixer) for mixer in mixers)
        self.norm = RMSNorm(width, eps=1e-5)
        with torch.no_grad():
            for mixer in mixers:
                mixer.out.weight.div_(math.sqrt(depth))

    @classmethod
    def build(cls, spec: TaskSpec, size: Size, **hyperparameters: Any) -> Built:
        """Return a module that takes the task's inputs; with `tied`, its head is the embedding table."""
        built = assemble(cls, spec, size, **hyperparameters)
        if not hyperparameters.get("tied"):
            return built
        if not (isinstance(spec.inputs, Tokens) and spec.per_position and spec.n_outputs == spec.inputs.vocab_size):
            raise UserError("mamba's tied needs token inputs and one output per token of the vocabulary.")
        whole = cast(Any, built)
        nn.init.normal_(whole.embedding.table.weight, std=TIED_STD)
        whole.core.norm = None
        whole.head = TiedHead(whole.head.norm, whole.embedding.table)
        return built

    def param_groups(self) -> list[ParamGroup]:
        """Return A and D of every recurrence, which set time scales and the skip, without weight decay."""
        ssms = [module for module in self.modules() if isinstance(module, SelectiveSSM)]
        parameters = [p for ssm in ssms for p in (ssm.A_log, ssm.A_imag, ssm.D) if p is not None]
        return [{"params": parameters, "weight_decay": 0.0}]


class TiedHead(nn.Module):
    """The inner product of each normalized position with each row of the embedding table."""

    def __init__(self, norm: nn.Module, table: nn.Embedding):
        super().__init__()
        self.norm = norm
        self.tables = (table,)  # in a tuple, so that the table is registered once, as part of the embedding

    def forward(self, x: Tensor, lengths: Tensor | None) -> Tensor:
        return F.linear(self.norm(x), self.tables[0].weight)


class Mixer(nn.Module):
    """Input map, gated recurrence (in both directions if not causal), output map."""

    def __init__(
        self, width: int, causal: bool, d_state: int, d_conv: int, expand: int, dt_rank: int, complex: bool = False
    ):
        super().__init__()
        inner = expand * width
        self.inner_and_gate = nn.Linear(width, 2 * inner, bias=False)
        self.forwards = SelectiveSSM(inner, d_state, d_conv, dt_rank, complex)
        self.backwards = None if causal else SelectiveSSM(inner, d_state, d_conv, dt_rank, complex)
        self.out = nn.Linear(inner, width, bias=False)

    def forward(self, u: Tensor, valid: Tensor | None) -> Tensor:
        x, z = self.inner_and_gate(u).chunk(2, dim=-1)
        y = self.forwards(x, z)
        if self.backwards is not None:
            # When reversed, padding comes first: it must not change the state before the row starts.
            begun = None if valid is None else valid.flip(1)
            y = y + self.backwards(x.flip(1), z.flip(1), begun).flip(1)
        return self.out(y)

    def init_state(self, batch: int) -> State:
        return self.forwards.init_state(batch)

    def step(self, u: Tensor, state: State) -> tuple[Tensor, State]:
        x, z = self.inner_and_gate(u[:, None]).chunk(2, dim=-1)
        y, state = self.forwards.go_on(x, z, state)
        return self.out(y[:, 0]), state


class SelectiveSSM(nn.Module):
    """Short convolution, then the recurrence with step, B and C computed from its input (S6)."""

    def __init__(self, channels: int, d_state: int, d_conv: int, dt_rank: int, complex: bool = False):
        super().__init__()
        self.splits = (dt_rank, d_state, d_state)
        self.conv_weight, self.conv_bias = initial_taps(channels, d_conv) if d_conv else (None, None)
        self.dt_B_C = nn.Linear(channels, dt_rank + 2 * d_state, bias=False)
        self.dt_weight = nn.Parameter(torch.empty(channels, dt_rank).uniform_(-(dt_rank**-0.5), dt_rank**-0.5))
        self.dt_bias = nn.Parameter(softplus_steps(channels))
        decay, frequency = spectrum("lin" if complex else "real", d_state)
        self.A_log = nn.Parameter(decay.log().repeat(channels, 1))
        self.A_imag = None if frequency is None else nn.Parameter(frequency.repeat(channels, 1))
        self.D = nn.Parameter(torch.ones(channels))

    def state_matrix(self) -> Tensor:
        """Return the diagonal of A (channels, states), with negative real parts."""
        decay = -self.A_log.exp()
        return decay if self.A_imag is None else torch.complex(decay, self.A_imag)

    def forward(self, x: Tensor, z: Tensor, valid: Tensor | None = None) -> Tensor:
        x = zero_padding(self.convolve(zero_padding(x, valid)), valid)
        return self.scan(x, z, None)[0]

    def go_on(self, x: Tensor, z: Tensor, state: State) -> tuple[Tensor, State]:
        """Continue `forward` from `state`; return the outputs and the new state."""
        before, h = state
        if self.conv_weight is None:
            x = F.silu(x)
        else:
            x, before = convolve_on(x, self.conv_weight, self.conv_bias, before)
        y, h = self.scan(x, z, h)
        return y, (before, h)

    def init_state(self, batch: int) -> State:
        channels, taps = self.A_log.shape[0], 1 if self.conv_weight is None else self.conv_weight.shape[1]
        return self.D.new_zeros(batch, taps - 1, channels), self.state_matrix().new_zeros(batch, *self.A_log.shape)

    def convolve(self, x: Tensor) -> Tensor:
        if self.conv_weight is None:
            return F.silu(x)
        return depthwise_conv(x, self.conv_weight, self.conv_bias, activation="silu")

    def scan(self, x: Tensor, z: Tensor, h: Tensor | None) -> tuple[Tensor, Tensor]:
        dt, B, C = self.dt_B_C(x).split(self.splits, dim=-1)
        operands = (x, F.linear(dt, self.dt_weight), self.state_matrix(), B, C, self.D, z, self.dt_bias)
        return selective_scan(*operands, delta_softplus=True, initial_state=h, return_final_state=True)
