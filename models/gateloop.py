"""GateLoop: a linear recurrence with complex gates computed from the token."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ..harness import UserError, register_model
from ..kernels.linear_recurrence import linear_recurrence
from ..kernels.precision import accumulator
from .blocks.norms import RMSNorm
from .blocks.padding import zero_padding
from .blocks.residual import PointwiseResidual, Residual, ResidualStack


@register_model(
    "gateloop",
    paper="arXiv:2311.01927",
    summary="Linear attention with one channel per head; complex gates from the token scale and rotate the memory.",
    family="selective recurrence",
)
class GateLoop(ResidualStack):
    """Residual pairs ``x += GateLoopMixer(norm(x))``, ``x += FFN(norm(x))``, then a norm (Katsch 2023).

    Products: keys with values, channel by channel; the memory with a complex gate computed from the
    token; the real part of the memory with queries; and the normalized result with the SiLU of
    another linear map of the token.

    Details not given in the paper follow the reimplementation reviewed by its author: RMSNorm, a
    feed-forward network with GELU, and biases only in the gates and the feed-forward network. On
    non-causal tasks we add a second recurrence from the last valid position to the first, with
    separate gates; queries, keys and values are shared, and the results are added before the norm.

    Parameters
    ----------
    complex
        Whether gates rotate the memory as well as scale it; otherwise they only scale it.
    ffn
        Hidden units of the feed-forward network; four times the width by default.
    """

    slack = "ffn"
    bounds = {"ffn": (1, 2**20)}

    def __init__(self, width: int, depth: int, causal: bool, *, complex: bool = True, ffn: int | None = None):
        super().__init__()
        units = 4 * width if ffn is None else ffn
        if units < 1:
            raise UserError(f"gateloop needs at least one unit in its feed-forward network: found ffn {ffn}.")
        self.blocks = nn.ModuleList()
        for _ in range(depth):
            self.blocks.append(Residual(RMSNorm(width, eps=1e-5), GateLoopMixer(width, causal, complex)))
            ffn_layers = nn.Sequential(nn.Linear(width, units), nn.GELU(), nn.Linear(units, width))
            self.blocks.append(PointwiseResidual(RMSNorm(width, eps=1e-5), ffn_layers))
        self.norm = RMSNorm(width, eps=1e-5)


class GateLoopMixer(nn.Module):
    """``S[t] = a[t] S[t-1] + k[t] v[t]``, ``y[t] = q[t] Re(S[t])`` per channel, then norm, gate and output map."""

    def __init__(self, width: int, causal: bool, complex: bool):
        super().__init__()
        self.q_k_v_gate = nn.Linear(width, 4 * width, bias=False)
        self.forwards = Transition(width, complex)
        self.backwards = None if causal else Transition(width, complex)
        self.norm = RMSNorm(width, eps=1e-5)
        self.out = nn.Linear(width, width, bias=False)

    def forward(self, u: Tensor, valid: Tensor | None) -> Tensor:
        q, k, v, gate = self.q_k_v_gate(u).chunk(4, dim=-1)
        memory = self.forwards(u, k * v)
        if self.backwards is not None:
            # When reversed, padding comes first: with zero input it leaves the memory empty.
            memory = memory + self.backwards(u, zero_padding(k * v, valid), reverse=True)
        return self.close(q, memory, gate)

    def init_state(self, batch: int) -> Tensor:
        """Return an empty memory (batch, width)."""
        return self.forwards.init_state(batch)

    def step(self, u: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
        u = u[:, None]
        q, k, v, gate = self.q_k_v_gate(u).chunk(4, dim=-1)
        memory = self.forwards(u, k * v, state)
        return self.close(q, memory, gate)[:, 0], memory[:, 0]

    def close(self, q: Tensor, memory: Tensor, gate: Tensor) -> Tensor:
        return self.out(self.norm(q * memory.real) * F.silu(gate))


class Transition(nn.Module):
    """The recurrence with gates ``sigmoid(m) exp(i p)`` for linear maps m and p of the token."""

    def __init__(self, width: int, complex: bool):
        super().__init__()
        self.gates = nn.Linear(width, 2 * width if complex else width)
        self.complex = complex

    def forward(self, u: Tensor, x: Tensor, before: Tensor | None = None, *, reverse: bool = False) -> Tensor:
        """Return the memory (batch, length, width) at every position, with `x` as its input."""
        gates = self.gates(u)
        gates = gates.to(accumulator(gates.dtype))
        if self.complex:
            magnitude, phase = gates.chunk(2, dim=-1)
            decay = torch.polar(magnitude.sigmoid(), phase)
        else:
            decay = gates.sigmoid()
        return linear_recurrence(decay, x, before, reverse=reverse)

    def init_state(self, batch: int) -> Tensor:
        width = self.gates.in_features
        zeros = self.gates.weight.new_zeros(batch, width)
        return torch.complex(zeros, zeros) if self.complex else zeros
