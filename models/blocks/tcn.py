"""A temporal convolution network (TCN): a stack of dilated convolutions with a long receptive field."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ...harness import UserError
from ...kernels.depthwise_conv import depthwise_conv

Phases = list[Tensor]
"""A layer's past inputs at its taps, for the next position, the one after, and so on in rotation."""


class TCN(nn.Module):
    """A stack of causal depthwise convolutions, ``x += SiLU(conv(x))``, dilated by powers of `factor`.

    Parameters
    ----------
    kernel
        Taps of each filter; weights are initialized from N(0, 1 / kernel), and there is no bias.
    factor
        Ratio of the dilations of consecutive layers.
    layers
        Number of filters in the stack.
    """

    def __init__(self, width: int, kernel: int, factor: int, layers: int):
        super().__init__()
        self.dilations = [factor**i for i in range(layers)]
        self.weights = nn.ParameterList(torch.randn(width, kernel) * kernel**-0.5 for _ in range(layers))

    def forward(self, x: Tensor, *, reverse: bool = False) -> Tensor:
        """Filter `x` (batch, length, width), from end to start if `reverse`."""
        if reverse:
            return self(x.flip(1)).flip(1)
        for weight, dilation in zip(self.weights, self.dilations, strict=True):
            x = depthwise_conv(x, weight, dilation=dilation, activation="silu", residual=True)
        return x

    def init_state(self, batch: int) -> list[Phases]:
        """Return zeros: per layer, as many tensors (batch, kernel - 1, width) as its dilation."""
        width, kernel = self.weights[0].shape
        return [
            [weight.new_zeros(batch, kernel - 1, width) for _ in range(dilation)]
            for weight, dilation in zip(self.weights, self.dilations, strict=True)
        ]

    def step(self, x: Tensor, state: list[Phases]) -> tuple[Tensor, list[Phases]]:
        after = []
        for weight, (taps, *others) in zip(self.weights, state, strict=True):
            window = torch.cat([taps, x[:, None]], dim=1)
            x = x + F.silu((window * weight.T).sum(1))
            after.append([*others, window[:, 1:]])
        return x, after


def fewest_layers(length: int, kernel: int, factor: int) -> int:
    """Return the fewest layers whose receptive field is at least `length`.

    Raises
    ------
    UserError
        If the kernel has a single tap, or the factor is out of range or leaves gaps.
    """
    if kernel < 2 or not 1 <= factor <= kernel:
        raise UserError(f"A TCN needs kernel >= 2 and 1 <= factor <= kernel: found kernel {kernel}, factor {factor}.")
    field, layers = kernel, 1
    while field < length:
        field += (kernel - 1) * factor**layers
        layers += 1
    return layers
