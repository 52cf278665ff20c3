"""A short causal convolution that can go on from where it stopped."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from ...kernels.depthwise_conv import depthwise_conv


def initial_taps(channels: int, taps: int) -> tuple[nn.Parameter, nn.Parameter]:
    """Return weights (channels, taps) and biases (channels,) with the first values of `torch.nn.Conv1d`."""
    bound = taps**-0.5
    weight = torch.empty(channels, taps).uniform_(-bound, bound)
    return nn.Parameter(weight), nn.Parameter(torch.empty(channels).uniform_(-bound, bound))


def convolve_on(x: Tensor, weight: Tensor, bias: Tensor | None, before: Tensor) -> tuple[Tensor, Tensor]:
    """Convolve positions that follow on others, with SiLU.

    Parameters
    ----------
    x
        (batch, length, channels).
    weight, bias
        (channels, taps) and (channels,).
    before
        (batch, taps - 1, channels), the inputs just before; zeros at the start of a row.

    Returns
    -------
    Tensor
        (batch, length, channels).
    Tensor
        What is `before` for the positions that follow.
    """
    joined = torch.cat([before.to(x.dtype), x], dim=1)
    y = depthwise_conv(joined, weight, bias, activation="silu")
    return y[:, before.shape[1] :], joined[:, x.shape[1] :]
