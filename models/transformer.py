"""The attention baseline: a pre-norm Transformer with today's usual parts."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ..harness.errors import UserError
from ..harness.model import SequenceModel
from ..harness.registry import register_model
from ..kernels.depthwise_conv import depthwise_conv
from .blocks.padding import valid_positions, zero_padding


@register_model(
    "transformer",
    paper="arXiv:1706.03762",
    summary="Pre-norm Transformer with rotary positions, SwiGLU, RMSNorm and a short convolution before attention.",
    family="attention",
)
class Transformer(SequenceModel):
    """Softmax attention over all positions (Vaswani et al. 2017), in its present form.

    Each block is ``x += Attention(Conv(Norm(x)))`` and ``x += SwiGLU(Norm(x))``, closed by a
    norm. Positions enter by rotation of queries and keys (RoPE, arXiv:2104.09864); the hidden
    units are gated (SwiGLU, arXiv:2002.05202); norms are RMSNorm; no layer has a bias.

    What multiplies with what: queries with keys, their softmax with values, and the SiLU of one
    linear map with another in SwiGLU.

    The depthwise convolution over `short_conv` positions lets a token see its neighbours before
    it is compared, as recurrent models with such a filter do (Zoology, arXiv:2312.04927). It
    starts as the identity plus noise. Matrices start from N(0, 1/fan-in), those that write to
    the residual stream divided by sqrt(2 depth).

    Parameters
    ----------
    short_conv
        Taps of the convolution before attention (odd where not causal); 0 leaves it out.
    heads
        Attention heads; by default as many as leave 32 channels a head, or 16 where the width is
        no multiple of 32.
    ffn
        Hidden units of SwiGLU; by default 8/3 of the width, rounded to a multiple of 8.
    dropout
        Share of the entries dropped before each is added to the residual stream.
    """

    width_multiple = 16
    slack = "ffn"

    def __init__(
        self,
        width: int,
        depth: int,
        causal: bool,
        *,
        short_conv: int = 3,
        heads: int | None = None,
        ffn: int | None = None,
        dropout: float = 0.0,
    ):
        super().__init__()
        heads = heads or width // (16 if width % 32 else 32) or 1
        if width % (2 * heads):
            raise UserError(f"transformer needs an even number of channels a head: width {width} has {heads} heads.")
        if short_conv % 2 == 0 and short_conv and not causal:
            raise UserError(f"transformer needs an odd short_conv to centre it: found {short_conv}.")
        self.head_dim = width // heads
        units = ffn or 8 * round(width / 3)
        self.blocks = nn.ModuleList(Block(width, heads, causal, short_conv, units, dropout) for _ in range(depth))
        self.norm = nn.RMSNorm(width, eps=1e-5)
        self._reset_parameters(depth)

    def _reset_parameters(self, depth: int) -> None:
        for name, parameter in self.blocks.named_parameters():
            if parameter.ndim == 2 and "conv" not in name:
                gain = (2 * depth) ** -0.5 if name.endswith(("out.weight", "down.weight")) else 1.0
                nn.init.normal_(parameter, std=gain * parameter.shape[1] ** -0.5)

    def forward(self, x: Tensor, lengths: Tensor | None = None) -> Tensor:
        """Mix `x` (batch, length, width); see `SequenceModel.forward`."""
        valid = valid_positions(x, lengths)
        rotation = rotary_angles(x.shape[1], self.head_dim, x.device)
        for block in self.blocks:
            x = block(x, rotation, valid)
        return self.norm(x)


class Block(nn.Module):
    """One residual pair: attention over a short convolution, then SwiGLU."""

    def __init__(self, width: int, heads: int, causal: bool, short_conv: int, ffn: int, dropout: float):
        super().__init__()
        self.attention_norm = nn.RMSNorm(width, eps=1e-5)
        self.conv = ShortConv(width, short_conv, causal) if short_conv else None
        self.attention = Attention(width, heads, causal)
        self.ffn_norm = nn.RMSNorm(width, eps=1e-5)
        self.ffn = SwiGLU(width, ffn)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor, rotation: tuple[Tensor, Tensor], valid: Tensor | None) -> Tensor:
        h = self.attention_norm(x)
        if self.conv is not None:
            h = self.conv(h, valid)
        x = x + self.dropout(self.attention(h, rotation, valid))
        return x + self.dropout(self.ffn(self.ffn_norm(x)))


class ShortConv(nn.Module):
    """A depthwise filter over a few neighbouring positions, near the identity at the start."""

    def __init__(self, width: int, taps: int, causal: bool):
        super().__init__()
        self.causal = causal
        self.weight = nn.Parameter(torch.randn(width, taps) / math.sqrt(taps))
        with torch.no_grad():
            self.weight[:, -1 if causal else taps // 2] += 1.0

    def forward(self, x: Tensor, valid: Tensor | None) -> Tensor:
        return depthwise_conv(zero_padding(x, valid), self.weight, causal=self.causal)


class Attention(nn.Module):
    """Multi-head softmax attention with rotary positions."""

    def __init__(self, width: int, heads: int, causal: bool):
        super().__init__()
        self.heads = heads
        self.causal = causal
        self.qkv = nn.Linear(width, 3 * width, bias=False)
        self.out = nn.Linear(width, width, bias=False)

    def forward(self, x: Tensor, rotation: tuple[Tensor, Tensor], valid: Tensor | None) -> Tensor:
        q, k, v = self.qkv(x).unflatten(-1, (3, self.heads, -1)).permute(2, 0, 3, 1, 4)
        q, k = rotate(q, rotation), rotate(k, rotation)
        # Padding lies at the end, where the causal mask already hides it from all that counts.
        keys = None if valid is None or self.causal else valid[:, None, None, :]
        y = F.scaled_dot_product_attention(q, k, v, attn_mask=keys, is_causal=self.causal)
        return self.out(y.transpose(1, 2).flatten(2))


class SwiGLU(nn.Module):
    """``W_down (SiLU(W_gate x) * W_up x)``."""

    def __init__(self, width: int, units: int):
        super().__init__()
        self.up = nn.Linear(width, 2 * units, bias=False)
        self.down = nn.Linear(units, width, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        gate, value = self.up(x).chunk(2, dim=-1)
        return self.down(F.silu(gate) * value)


def rotary_angles(length: int, head_dim: int, device: torch.device) -> tuple[Tensor, Tensor]:
    """Return cosine and sine, each (length, head_dim / 2), of position times frequency 10000^(-2i/head_dim)."""
    frequencies = 10000.0 ** (-torch.arange(0, head_dim, 2, device=device) / head_dim)
    angles = torch.arange(length, device=device)[:, None] * frequencies
    return angles.cos(), angles.sin()


def rotate(x: Tensor, rotation: tuple[Tensor, Tensor]) -> Tensor:
    """Turn each pair of channels (i, i + half) of `x` (..., length, head_dim) by its position's angle."""
    cos, sin = (part.to(x.dtype) for part in rotation)
    a, b = x.chunk(2, dim=-1)
    return torch.cat([a * cos - b * sin, a * sin + b * cos], dim=-1)
