"""The public depthwise convolution."""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional as F

from .shifted import convolve


def depthwise_conv(
    x: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    *,
    dilation: int = 1,
    causal: bool = True,
    activation: str | None = None,
) -> Tensor:
    """Convolve each channel over time with its own filter.

    Parameters
    ----------
    x
        (batch, length, channels).
    weight
        (channels, taps).
    bias
        (channels,).
    dilation
        Positions between neighbouring taps; may pass the length.
    causal
        Whether an output sees only its own position and those before. Else the taps are centred.
    activation
        "silu" or None.

    Returns
    -------
    Tensor
        (batch, length, channels).
    """
    reach = (weight.shape[1] - 1) * dilation
    y = convolve(x, weight, bias, dilation, reach if causal else reach // 2)
    return F.silu(y) if activation == "silu" else y
