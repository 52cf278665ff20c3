"""TCNCA: a dilated temporal convolution network with chunked attention."""

from __future__ import annotations

from functools import partial
from typing import Any

from ..harness import register_model
from .blocks.chunked_attention import BiasKind, Weighting
from .blocks.gated_attention import GatedAttentionModel
from .blocks.norms import NormKind
from .blocks.tcn import TCN, fewest_layers


@register_model(
    "tcnca",
    paper="arXiv:2312.05605",
    summary="MEGA with dilated depthwise convolutions instead of the moving average, and chunked attention.",
    family="gated attention",
)
class TCNCA(GatedAttentionModel):
    """Temporal Convolution Network with Chunked Attention (Terzic et al. 2023).

    According to the paper's abstract, this is MEGA-chunk with the exponential moving average replaced
    by a dilated temporal convolution network (TCN). We found no code and had access only to the
    abstract, so these choices are ours: depthwise filters; ``x += SiLU(conv(x))`` per layer, with
    weights from N(0, 1/kernel), no bias, and dilation ``factor ** i`` in layer i; MEGA's learned skip
    and SiLU after the filter; if not causal, a second stack that runs backward and is added; the
    number of layers from `fewest_layers`; layer norm before each part and at the end. The gated
    attention unit and its feed-forward network are MEGA's (see `GatedAttention`).

    Products: filtered tokens with each other as queries and keys; attention weights with values; the
    result with a gate computed from the filtered token; and the update with a second gate.

    Parameters
    ----------
    kernel, factor
        Taps of each filter, and the ratio of the dilations of consecutive layers. Requires
        ``factor <= kernel``; otherwise no path would cover some distances.
    layers
        Number of filters per stack; by default the fewest that span the length.
    chunk
        Number of positions per attention chunk.
    shared, value, ffn, attention, bias, norm, prenorm, dropout
        See `GatedAttentionModel`.
    """

    bounds = {**GatedAttentionModel.bounds, "kernel": (2, 1024), "factor": (1, 1024), "layers": (1, 64)}

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
        attend = {"shared": shared, "value": value, "attention": attention, "bias": bias}
        options: dict[str, Any] = {"ffn": ffn, "norm": norm, "prenorm": prenorm, "dropout": dropout, **attend}
        make_filter = partial(TCN, width, kernel, factor, layers or fewest)
        super().__init__(width, depth, causal, length, make_filter, chunk=chunk, **options)
