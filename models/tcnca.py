"""TCNCA: a dilated temporal convolution network with chunked attention."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ..harness.errors import UserError
from ..harness.model import SequenceModel
from ..harness.registry import register_model
from ..kernels.depthwise_conv import depthwise_conv
from .blocks.gated_attention import GatedAttention, Weighting, small_linear
from .blocks.padding import valid_positions, zero_padding


@register_model(
    "tcnca",
    paper="arXiv:2312.05605",
    summary="Dilated depthwise convolutions in the place of MEGA's moving average, with attention in chunks.",
    family="gated convolution",
)
class TCNCA(SequenceModel):
    """Temporal Convolution Network with Chunked Attention (Terzic et al. 2023).

    The paper's abstract fixes this much: MEGA-chunk with its exponential moving average replaced
    by a dilated temporal convolution network (TCN), whose few layers reach far. Code and details
    are not public, so these choices are ours: depthwise filters, ``x += SiLU(conv(x))`` a layer
    with weights N(0, 1/kernel) and no bias, dilation ``factor ** i`` in layer i; MEGA's learned
    skip and SiLU after the filter kept; two such stacks, one of them run backwards, added where
    not causal; the number of layers by `tcn_layers`; layer norm before each part, and one at the
    end. The gated attention unit and its feed-forward network are MEGA's (see `GatedAttention`).

    What multiplies with what: filtered tokens with each other as queries and keys; their weights
    with values; the result with a gate of the filtered token; and the update with a second gate.

    Parameters
    ----------
    kernel, factor
        Taps of each filter, and the ratio of neighbouring layers' dilations. ``factor <= kernel``,
        or there would be distances that no path covers.
    layers
        Filters in a stack; by default the fewest whose receptive field spans the length.
    chunk
        Positions that attend to each other.
    shared, value
        Channels of queries and keys, and of values; by default half and twice the width.
    ffn
        Units of the feed-forward network; by default twice the width.
    attention
        "softmax" or "laplace".
    dropout
        Share of the entries dropped after the filter, the unit and the feed-forward layers.
    """

    width_multiple = 8
    slack = "ffn"

    def __init__(
        self,
        width: int,
        depth: int,
        causal: bool,
        length: int,
        *,
        kernel: int = 17,
        factor: int = 8,
        layers: int | None = None,
        chunk: int = 128,
        shared: int | None = None,
        value: int | None = None,
        ffn: int | None = None,
        attention: Weighting = "softmax",
        dropout: float = 0.0,
    ):
        super().__init__()
        if attention not in ("softmax", "laplace"):
            raise UserError(f"tcnca has attention 'softmax' or 'laplace': found '{attention}'.")
        fewest = tcn_layers(length, kernel, factor)
        self.blocks = nn.ModuleList()
        for _ in range(depth):
            unit = GatedAttention(
                width,
                shared or width // 2,
                value or 2 * width,
                GatedFilter(width, kernel, factor, layers or fewest, causal),
                chunk=min(chunk, length),
                causal=causal,
                weighting=attention,
                dropout=dropout,
            )
            self.blocks.append(Block(unit, FeedForward(width, ffn or 2 * width, dropout)))
        self.norm = nn.LayerNorm(width)

    def forward(self, x: Tensor, lengths: Tensor | None = None) -> Tensor:
        """Mix `x` (batch, length, width); see `SequenceModel.forward`."""
        valid = valid_positions(x, lengths)
        for block in self.blocks:
            x = block(x, valid)
        return self.norm(x)


class Block(nn.Module):
    """The gated attention unit, then the feed-forward network."""

    def __init__(self, unit: nn.Module, ffn: nn.Module):
        super().__init__()
        self.unit = unit
        self.ffn = ffn

    def forward(self, x: Tensor, valid: Tensor | None) -> Tensor:
        return self.ffn(self.unit(x, valid))


class GatedFilter(nn.Module):
    """MEGA's filter with a TCN in it: ``SiLU(tcn(x) + skip * x)``."""

    def __init__(self, width: int, kernel: int, factor: int, layers: int, causal: bool):
        super().__init__()
        self.forwards = TCN(width, kernel, factor, layers)
        self.backwards = None if causal else TCN(width, kernel, factor, layers)
        self.skip = nn.Parameter(torch.randn(width))

    def forward(self, x: Tensor, valid: Tensor | None) -> Tensor:
        y = self.forwards(x) + self.skip * x
        if self.backwards is not None:
            # Zeros pass through a TCN as zeros, so padding that now comes first counts for nothing.
            y = y + self.backwards(zero_padding(x, valid).flip(1)).flip(1)
        return F.silu(y)


class TCN(nn.Module):
    """A stack of causal depthwise convolutions, ``x += SiLU(conv(x))``, dilated by powers of `factor`."""

    def __init__(self, width: int, kernel: int, factor: int, layers: int):
        super().__init__()
        self.dilations = [factor**i for i in range(layers)]
        self.weights = nn.ParameterList(torch.randn(width, kernel) * kernel**-0.5 for _ in range(layers))

    def forward(self, x: Tensor) -> Tensor:
        for weight, dilation in zip(self.weights, self.dilations, strict=True):
            x = x + depthwise_conv(x, weight, dilation=dilation, activation="silu")
        return x


class FeedForward(nn.Module):
    """``x += W SiLU(W norm(x))``."""

    def __init__(self, width: int, units: int, dropout: float):
        super().__init__()
        self.norm = nn.LayerNorm(width)
        self.up = small_linear(width, units)
        self.down = small_linear(units, width)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.dropout(self.down(self.dropout(F.silu(self.up(self.norm(x))))))


def receptive_field(kernel: int, factor: int, layers: int) -> int:
    """Return how many positions, its own included, one output of a stack sees."""
    return 1 + (kernel - 1) * sum(factor**i for i in range(layers))


def tcn_layers(length: int, kernel: int, factor: int) -> int:
    """Return the fewest layers whose receptive field is at least `length`.

    Raises
    ------
    UserError
        For a kernel that sees one position only, or a factor that leaves gaps.
    """
    if kernel < 2 or not 1 <= factor <= kernel:
        raise UserError(f"tcnca needs kernel >= 2 and 1 <= factor <= kernel: found kernel {kernel}, factor {factor}.")
    field, layers = kernel, 1
    while field < length:
        field += (kernel - 1) * factor**layers
        layers += 1
    return layers
