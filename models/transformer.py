"""The attention baseline: a pre-norm Transformer with current standard components."""

from __future__ import annotations

import math
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ..harness import SequenceModel, UserError, register_model
from ..kernels.depthwise_conv import depthwise_conv
from .blocks.dropout import Dropout
from .blocks.padding import valid_positions, zero_padding
from .blocks.rotary import rotary_angles, rotate
from .blocks.swiglu import SwiGLU

Rotation = tuple[Tensor, Tensor]


@register_model(
    "transformer",
    paper="arXiv:1706.03762",
    summary="Pre-norm Transformer with rotary positions, SwiGLU, RMSNorm and a short convolution before attention.",
    family="attention",
)
class Transformer(SequenceModel):
    """Softmax attention over all positions (Vaswani et al. 2017), in its current standard form.

    Each block is ``x += Attention(Conv(Norm(x)))`` and ``x += SwiGLU(Norm(x))``; a norm follows the
    last block. Positions are encoded by rotating queries and keys (RoPE, arXiv:2104.09864); the hidden
    units are gated (SwiGLU, arXiv:2002.05202); norms are RMSNorm; no layer has a bias.

    Products: queries with keys, their softmax with values, and the SiLU of one linear map with
    another in SwiGLU.

    The depthwise convolution over `short_conv` positions mixes neighboring tokens before attention,
    as in recurrent models with such a filter (Zoology, arXiv:2312.04927). It is initialized to the
    identity plus noise. Matrices are initialized with variance 1/fan-in; those that write to the
    residual stream are divided by sqrt(2 depth).

    Parameters
    ----------
    short_conv
        Taps of the convolution before attention (odd if not causal); 0 removes it.
    heads
        Number of attention heads; by default one per 32 channels, or one per 16 if the width is not a
        multiple of 32.
    ffn
        Hidden units of SwiGLU; 8/3 of the width, rounded to a multiple of 8, by default.
    dropout
        Dropout rate before each addition to the residual stream.
    """

    width_multiple = 16
    slack = "ffn"
    bounds = {"short_conv": (0, 255), "heads": (1, 1024), "ffn": (1, 2**20), "dropout": (0, 0.99)}

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
            raise UserError(f"transformer needs an even number of channels per head: width {width}, {heads} heads.")
        if short_conv % 2 == 0 and short_conv and not causal:
            raise UserError(f"transformer needs an odd short_conv if not causal: found {short_conv}.")
        self.head_dim = width // heads
        self.blocks = nn.ModuleList(Block(width, heads, causal, short_conv, ffn, dropout) for _ in range(depth))
        self.norm = nn.RMSNorm(width, eps=1e-5)
        for name, parameter in self.blocks.named_parameters():
            if parameter.ndim == 2 and "conv" not in name:
                gain = (2 * depth) ** -0.5 if name.endswith(("out.weight", "down.weight")) else 1.0
                nn.init.normal_(parameter, std=gain * parameter.shape[1] ** -0.5)

    def forward(self, x: Tensor, lengths: Tensor | None = None) -> Tensor:
        valid = valid_positions(x, lengths)
        rotation = rotary_angles(torch.arange(x.shape[1], device=x.device), self.head_dim)
        for block in self.blocks:
            x = block(x, rotation, valid)
        return self.norm(x)

    def init_state(self, batch: int) -> list[dict[str, Tensor]]:
        """Return, per block, an empty attention cache and the convolution's last inputs."""
        return [block.init_state(batch) for block in cast("list[Block]", list(self.blocks))]

    def step(self, x: Tensor, state: list[dict[str, Tensor]]) -> tuple[Tensor, list[dict[str, Tensor]]]:
        position = state[0]["keys"].shape[2]
        rotation = rotary_angles(torch.tensor([position], device=x.device), self.head_dim)
        after = []
        for block, before in zip(cast("list[Block]", list(self.blocks)), state, strict=True):
            x, changed = block.step(x, rotation, before)
            after.append(changed)
        return self.norm(x), after


class Block(nn.Module):
    """One residual pair: attention over a short convolution, then SwiGLU."""

    def __init__(self, width: int, heads: int, causal: bool, short_conv: int, ffn: int | None, dropout: float):
        super().__init__()
        self.attention_norm = nn.RMSNorm(width, eps=1e-5)
        self.conv = ShortConv(width, short_conv, causal) if short_conv else None
        self.attention = Attention(width, heads, causal)
        self.ffn_norm = nn.RMSNorm(width, eps=1e-5)
        self.ffn = SwiGLU(width, ffn)
        self.dropout = Dropout(dropout)

    def forward(self, x: Tensor, rotation: Rotation, valid: Tensor | None) -> Tensor:
        h = self.attention_norm(x)
        if self.conv is not None:
            h = self.conv(h, valid)
        x = x + self.dropout(self.attention(h, rotation, valid))
        return x + self.dropout(self.ffn(self.ffn_norm(x)))

    def init_state(self, batch: int) -> dict[str, Tensor]:
        conv = {} if self.conv is None else {"inputs": self.conv.init_state(batch)}
        return {**self.attention.init_state(batch), **conv}

    def step(self, x: Tensor, rotation: Rotation, state: dict[str, Tensor]) -> tuple[Tensor, dict[str, Tensor]]:
        h, conv = self.attention_norm(x), {}
        if self.conv is not None:
            h, conv["inputs"] = self.conv.step(h, state["inputs"])
        h, cache = self.attention.step(h, rotation, state)
        x = x + self.dropout(h)
        return x + self.dropout(self.ffn(self.ffn_norm(x))), {**cache, **conv}


class ShortConv(nn.Module):
    """A depthwise filter over a few neighboring positions, initialized near the identity."""

    def __init__(self, width: int, taps: int, causal: bool):
        super().__init__()
        self.causal = causal
        self.weight = nn.Parameter(torch.randn(width, taps) / math.sqrt(taps))
        with torch.no_grad():
            self.weight[:, -1 if causal else taps // 2] += 1.0

    def forward(self, x: Tensor, valid: Tensor | None) -> Tensor:
        return depthwise_conv(zero_padding(x, valid), self.weight, causal=self.causal)

    def init_state(self, batch: int) -> Tensor:
        """Return the inputs before the first position: zeros (batch, taps - 1, width)."""
        width, taps = self.weight.shape
        return self.weight.new_zeros(batch, taps - 1, width)

    def step(self, x: Tensor, inputs: Tensor) -> tuple[Tensor, Tensor]:
        window = torch.cat([inputs, x[:, None]], dim=1)
        return (window * self.weight.T).sum(1), window[:, 1:]


class Attention(nn.Module):
    """Multi-head softmax attention with rotary positions."""

    def __init__(self, width: int, heads: int, causal: bool):
        super().__init__()
        self.heads = heads
        self.causal = causal
        self.qkv = nn.Linear(width, 3 * width, bias=False)
        self.out = nn.Linear(width, width, bias=False)

    def forward(self, x: Tensor, rotation: Rotation, valid: Tensor | None) -> Tensor:
        q, k, v = self._project(x, rotation)
        # Padding is at the end, where the causal mask already hides it from the valid positions.
        keys = None if valid is None or self.causal else valid[:, None, None, :]
        y = F.scaled_dot_product_attention(q, k, v, attn_mask=keys, is_causal=self.causal)
        return self.out(y.transpose(1, 2).flatten(2))

    def init_state(self, batch: int) -> dict[str, Tensor]:
        """Return the empty cache: "keys" and "values", each (batch, heads, 0, channels)."""
        empty = self.qkv.weight.new_empty(batch, self.heads, 0, self.qkv.in_features // self.heads)
        return {"keys": empty, "values": empty}

    def step(self, x: Tensor, rotation: Rotation, cache: dict[str, Tensor]) -> tuple[Tensor, dict[str, Tensor]]:
        q, k, v = self._project(x[:, None], rotation)
        keys, values = torch.cat([cache["keys"], k], dim=2), torch.cat([cache["values"], v], dim=2)
        y = F.scaled_dot_product_attention(q, keys, values)
        return self.out(y.flatten(1)), {"keys": keys, "values": values}

    def _project(self, x: Tensor, rotation: Rotation) -> tuple[Tensor, Tensor, Tensor]:
        """Return rotated queries and keys, and values, each (batch, heads, length, channels)."""
        q, k, v = self.qkv(x).unflatten(-1, (3, self.heads, -1)).permute(2, 0, 3, 1, 4)
        return rotate(q, rotation), rotate(k, rotation), v
