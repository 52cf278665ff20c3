"""TCNCA: a dilated temporal convolution network with chunked attention."""

from __future__ import annotations

from ..harness.contract.registry import register_model
from .blocks.chunked_attention import BiasKind, Weighting
from .blocks.gated_attention import GatedAttentionModel
from .blocks.norms import NormKind
from .blocks.tcn import TCN, fewest_layers


@register_model(
    "tcnca",
    paper="arXiv:2312.05605",
    summary="Dilated depthwise convolutions in the place of MEGA's moving average, with attention in chunks.",
    family="gated attention",
)
class TCNCA(GatedAttentionModel):
    """Temporal Convolution Network with Chunked Attention (Terzic et al. 2023).

    The paper's abstract fixes this much: MEGA-chunk with its exponential moving average replaced
    by a dilated temporal convolution network (TCN), whose few layers reach far. We found no code and
    had no more of the text, so these choices are ours: depthwise filters, ``x += SiLU(conv(x))`` a layer
    with weights N(0, 1/kernel) and no bias, dilation ``factor ** i`` in layer i; MEGA's learned
    skip and SiLU after the filter kept; two such stacks, one of them run backwards, added where
    not causal; the number of layers by `fewest_layers`; layer norm before each part, and one at the
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
    shared, value, ffn, attention, bias, norm, prenorm, dropout
        See `GatedAttentionModel`.
    """

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
        bias: BiasKind = "simple",
        norm: NormKind = "layer",
        prenorm: bool = True,
        dropout: float = 0.0,
    ):
        fewest = fewest_layers(length, kernel, factor)
        super().__init__(
            width,
            depth,
            causal,
            length,
            lambda: TCN(width, kernel, factor, layers or fewest),
            chunk=chunk,
            shared=shared,
            value=value,
            ffn=ffn,
            attention=attention,
            bias=bias,
            norm=norm,
            prenorm=prenorm,
            dropout=dropout,
        )
