"""GLA: linear attention with a per-channel memory decay."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional as F

from ..harness import UserError, register_model
from ..kernels.ssd import ssd
from .blocks.norms import RMSNorm
from .blocks.padding import zero_padding
from .blocks.residual import PointwiseResidual, Residual, ResidualStack
from .blocks.swiglu import SwiGLU

GATE_RANK = 16
"""Rank of the linear map that computes the decays."""

GATE_TEMPERATURE = 16.0
"""Divisor of the log decays, so that memory is long at initialization."""


@register_model(
    "gla",
    paper="arXiv:2312.06635",
    summary="Linear attention with a memory of keys and values that decays per channel, depending on the token.",
    family="selective recurrence",
)
class GLA(ResidualStack):
    """Residual pairs ``x += GatedLinearAttention(norm(x))``, ``x += SwiGLU(norm(x))`` (Yang et al. 2023).

    Products: keys with values, as an outer product; the memory with a decay per key channel, computed
    from the token; queries with the memory; the result, normalized per head, with a gate computed
    from the token; and the SiLU of one linear map with another in SwiGLU.

    Weights are initialized with standard deviation 0.02 and biases with zero, as in
    flash-linear-attention. The paper's model is causal. On non-causal tasks we add a second
    recurrence from the last valid position to the first, with separate decays; queries, keys and
    values are shared, and the results are added before the norm.

    Parameters
    ----------
    heads
        Number of heads; each has width / (2 heads) key channels and width / heads value channels.
    ffn
        Hidden units of SwiGLU; 8/3 of the width, rounded to a multiple of 8, by default.
    """

    width_multiple = 8
    slack = "ffn"
    bounds = {"heads": (1, 1024), "ffn": (1, 2**20)}

    def __init__(self, width: int, depth: int, causal: bool, *, heads: int = 4, ffn: int | None = None):
        super().__init__()
        if heads < 1 or width % (2 * heads):
            raise UserError(f"gla needs a width that is a multiple of twice its heads: width {width}, {heads} heads.")
        self.blocks = nn.ModuleList()
        for _ in range(depth):
            self.blocks.append(Residual(RMSNorm(width, eps=1e-6), GatedLinearAttention(width, heads, causal)))
            self.blocks.append(PointwiseResidual(RMSNorm(width, eps=1e-6), SwiGLU(width, ffn)))
        self.norm = RMSNorm(width, eps=1e-6)
        for module in self.modules():
            if isinstance(module, nn.Linear):
                nn.init.normal_(module.weight, std=0.02)
                if module.bias is not None:
                    nn.init.zeros_(module.bias)


class GatedLinearAttention(nn.Module):
    """``S[t] = diag(a[t]) S[t-1] + k[t] v[t]^T``, ``y[t] = q[t] S[t]``, then norm per head, gate and output map."""

    def __init__(self, width: int, heads: int, causal: bool):
        super().__init__()
        self.heads = heads
        self.splits = (width // 2, width // 2, width, width)
        self.q_k_v_gate = nn.Linear(width, sum(self.splits), bias=False)
        self.forwards = decay_logits(width)
        self.backwards = None if causal else decay_logits(width)
        self.norm = RMSNorm(width // heads, eps=1e-6)
        self.out = nn.Linear(width, width, bias=False)

    def forward(self, u: Tensor, valid: Tensor | None) -> Tensor:
        q, k, v, gate = self.project(u)
        y = ssd(v, self.log_decay(self.forwards, u), k, q)
        if self.backwards is not None:
            # When reversed, padding comes first: with zero values it leaves the memory empty.
            v = zero_padding(v.flatten(2), valid).view_as(v)
            parts = (part.flip(1) for part in (v, self.log_decay(self.backwards, u), k, q))
            y = y + ssd(*parts).flip(1)
        return self.close(y, gate)

    def init_state(self, batch: int) -> Tensor:
        """Return an empty memory (batch, heads, value channels, key channels)."""
        keys, _, values, _ = self.splits
        return self.out.weight.new_zeros(batch, self.heads, values // self.heads, keys // self.heads)

    def step(self, u: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
        u = u[:, None]
        q, k, v, gate = self.project(u)
        y, state = ssd(v, self.log_decay(self.forwards, u), k, q, state, return_final_state=True)
        return self.close(y, gate)[:, 0], state

    def project(self, u: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Return queries, keys, values and gate, each (batch, length, heads, channels)."""
        q, k, v, gate = (self.by_head(part) for part in self.q_k_v_gate(u).split(self.splits, dim=-1))
        return q * q.shape[-1] ** -0.5, k, v, gate

    def log_decay(self, logits: nn.Module, u: Tensor) -> Tensor:
        return F.logsigmoid(self.by_head(logits(u))) / GATE_TEMPERATURE

    def by_head(self, x: Tensor) -> Tensor:
        return x.unflatten(-1, (self.heads, -1))

    def close(self, y: Tensor, gate: Tensor) -> Tensor:
        return self.out((self.norm(y) * F.silu(gate)).flatten(2))


def decay_logits(width: int) -> nn.Sequential:
    """Return the low-rank map to the logits of the decays, one per key channel."""
    return nn.Sequential(nn.Linear(width, GATE_RANK, bias=False), nn.Linear(GATE_RANK, width // 2))
