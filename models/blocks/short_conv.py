"""A short causal convolution that can be continued from a carried state."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from ...kernels.depthwise_conv import depthwise_conv


def initial_taps(channels: int, taps: int) -> tuple[nn.Parameter, nn.Parameter]:
    """Return weights (channels, taps) and biases (channels,) initialized as in `torch.nn.Conv1d`."""
    bound = taps**-0.5
    weight = torch.empty(channels, taps).uniform_(-bound, bound)
    return nn.Parameter(weight), nn.Parameter(torch.empty(channels).uniform_(-bound, bound))


def convolve_on(x: Tensor, weight: Tensor, bias: Tensor | None, before: Tensor) -> tuple[Tensor, Tensor]:
    """Convolve the next positions of a sequence, and apply SiLU.

    Parameters
    ----------
    x
        (batch, length, channels).
    weight, bias
        (channels, taps) and (channels,).
    before
        (batch, taps - 1, channels), the preceding inputs; zeros at the start of a row.

    Returns
    -------
    Tensor
        (batch, length, channels).
    Tensor
        `before` for the next call.
    """
    joined = torch.cat([before.to(x.dtype), x], dim=1)
    y = depthwise_conv(joined, weight, bias, activation="silu")
    return y[:, before.shape[1] :], joined[:, x.shape[1] :]
