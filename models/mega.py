"""MEGA: moving average equipped gated attention."""

from __future__ import annotations

from functools import partial
from typing import Any, ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ..harness import ParamGroup, register_model
from ..kernels.ema import ema
from .blocks.chunked_attention import BiasKind, Weighting
from .blocks.gated_attention import GatedAttentionModel
from .blocks.norms import NormKind


@register_model(
    "mega",
    paper="arXiv:2209.10655",
    summary="Gated attention over the whole sequence between tokens smoothed by damped moving averages.",
    family="gated attention",
)
class Mega(GatedAttentionModel):
    """Moving average equipped gated attention (Ma et al. 2023).

    Blocks of a gated attention unit and a feed-forward network (see `GatedAttention`); the unit's
    filter is `DampedEMA`, a set of exponential moving averages per channel. Bidirectional forms have a
    second filter with separate weights that runs backward; both include the current token.

    Products: smoothed tokens with each other as queries and keys; attention weights with values; the
    result with a gate computed from the smoothed token; and the update with a second gate.

    Parameters
    ----------
    states
        Moving averages per channel (the paper's h).
    truncation
        Number of positions after which a moving average forgets its input; None for never.
    chunk
        Number of positions per attention chunk; by default the whole length (128 for mega-chunk).
        Sequences longer than the task's length are split into chunks of that length.
    shared, value, ffn, attention, bias, norm, prenorm, dropout
        See `GatedAttentionModel`.
    """

    usual_chunk: ClassVar[int | None] = None

    bounds = {**GatedAttentionModel.bounds, "states": (1, 1024), "truncation": (1, 2**20)}

    def __init__(
        self,
        width: int,
        depth: int,
        causal: bool,
        length: int,
        *,
        states: int = 16,
        truncation: int | None = None,
        chunk: int | None = None,
        shared: int | None = None,
        value: int | None = None,
        ffn: int | None = None,
        attention: Weighting = "softmax",
        bias: BiasKind = "simple",
        norm: NormKind = "layer",
        prenorm: bool = True,
        dropout: float = 0.0,
    ):
        attend = {"shared": shared, "value": value, "attention": attention, "bias": bias}
        options: dict[str, Any] = {"ffn": ffn, "norm": norm, "prenorm": prenorm, "dropout": dropout, **attend}
        make_filter = partial(DampedEMA, width, states, truncation)
        super().__init__(width, depth, causal, length, make_filter, chunk=chunk or self.usual_chunk, **options)

    def param_groups(self) -> list[ParamGroup]:
        """Return the time scales and input weights of the moving averages, without weight decay."""
        averages = [module for module in self.modules() if isinstance(module, DampedEMA)]
        exempt = [p for module in averages for p in (module.delta, module.alpha, module.beta)]
        return [{"params": exempt, "weight_decay": 0.0}]


@register_model(
    "mega-chunk",
    paper="arXiv:2209.10655",
    summary="MEGA with attention within chunks; the moving average is the only path between chunks.",
    family="gated attention",
)
class MegaChunk(Mega):
    """MEGA with attention within chunks of 128, at linear cost in the length (Ma et al. 2023, section 3.5).

    The moving average covers the whole sequence and is the only path between chunks. Everything else,
    including all hyperparameters, is as in `mega`.
    """

    usual_chunk = 128


class DampedEMA(nn.Module):
    """Damped exponential moving averages of each channel (Ma et al. 2023, equations 6 and 7).

    ``h[t] = (1 - p a) h[t-1] + p beta x[t]`` and ``y[t] = sum(gamma h[t]) / sqrt(states)``, with
    ``p = sigmoid(delta)`` and ``a = sigmoid(alpha)``. Both equations are linear, so the code applies
    the input weight at the output instead.
    """

    def __init__(self, width: int, states: int, truncation: int | None = None):
        super().__init__()
        self.truncation = truncation
        self.delta = nn.Parameter(0.2 * torch.randn(width, states))
        self.alpha = nn.Parameter(0.2 * torch.randn(width, states))
        self.beta = nn.Parameter(0.02 * torch.randn(width, states))
        self.gamma = nn.Parameter(torch.randn(width, states))
        with torch.no_grad():
            self.beta.add_(1 - 2 * (torch.arange(states) % 2))

    def coefficients(self) -> tuple[Tensor, Tensor]:
        """Return decay and weight, each (width, states), of ``y[t] = sum_s weight decay^s x[t-s]``."""
        p = torch.sigmoid(self.delta)
        weight = p * self.beta * self.gamma * self.gamma.shape[1] ** -0.5
        return 1 - p * torch.sigmoid(self.alpha), weight

    def forward(self, x: Tensor, *, reverse: bool = False) -> Tensor:
        """Filter `x` (batch, length, width), from end to start if `reverse`."""
        decay, weight = self.coefficients()
        y, k = ema(x, decay, weight, reverse=reverse), self.truncation
        if k is None or x.shape[1] <= k:
            return y
        # Subtract the inputs from k or more positions ago: the average of the row shifted by k.
        faded = weight * decay**k
        if reverse:
            return y - F.pad(ema(x[:, k:], decay, faded, reverse=True), (0, 0, 0, k))
        return y - F.pad(ema(x[:, :-k], decay, faded), (0, 0, k, 0))

    def init_state(self, batch: int) -> dict[str, Tensor]:
        """Return zeros: the averages (batch, width, states) and, if truncated, the inputs they still cover."""
        width, states = self.gamma.shape
        return {
            "averages": self.gamma.new_zeros(batch, width, states),
            "inputs": self.gamma.new_zeros(batch, self.truncation or 0, width),
        }

    def step(self, x: Tensor, state: dict[str, Tensor]) -> tuple[Tensor, dict[str, Tensor]]:
        decay, weight = self.coefficients()
        averages, inputs = decay * state["averages"] + x[..., None], state["inputs"]
        if self.truncation:
            averages = averages - decay**self.truncation * inputs[:, 0, :, None]
            inputs = torch.cat([inputs[:, 1:], x[:, None]], dim=1)
        return (averages * weight).sum(-1), {"averages": averages, "inputs": inputs}
