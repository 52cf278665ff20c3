"""The public depthwise convolution, its operands and its paths."""

from __future__ import annotations

from typing import Literal, NamedTuple

import torch
from torch import Tensor

from ..paths import Path
from ..precision import stored
from ..registration import Implementation, KernelCost, check, register


def depthwise_conv(
    x: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    *,
    dilation: int = 1,
    causal: bool = True,
    activation: Literal["silu"] | None = None,
    residual: bool = False,
) -> Tensor:
    """Convolve each channel over time with its own filter; positions outside the sequence are zero.

    Parameters
    ----------
    x
        (batch, length, channels).
    weight
        (channels, taps), the last tap the latest in time, as in `torch.nn.functional.conv1d`.
    bias
        (channels,).
    dilation
        Positions between neighboring taps; may exceed the length.
    causal
        Whether the last tap is at the position of the output. Otherwise the taps are centered; for an odd reach the
        extra position comes after, as with ``padding="same"`` in torch.
    activation
        "silu", applied to the sum, or None.
    residual
        Whether `x` is added to the result, after the activation.

    Returns
    -------
    Tensor
        (batch, length, channels) in the dtype of `x`. Computed in float64 if `x` is float64, else in float32.
        Differentiable once, in all tensors.

    Raises
    ------
    ValueError
        If shapes do not match, the dilation is below one, or the activation is unknown.
    """
    if activation not in (None, "silu"):
        raise ValueError(f"unknown activation {activation!r}; expected 'silu' or None")
    precision = torch.float64 if x.dtype == torch.float64 else torch.float32
    weight, bias = weight.to(precision), None if bias is None else bias.to(precision)
    reach = (weight.shape[1] - 1) * dilation
    left = reach if causal else reach // 2
    return conv(x.to(stored(x)), weight, bias, dilation, left, activation == "silu", residual).to(x.dtype)


def cost(
    batch: int,
    length: int,
    channels: int,
    taps: int,
    *,
    silu: bool = False,
    residual: bool = False,
    backward: bool = False,
    itemsize: int = 4,
) -> KernelCost:
    """Return the cost of one forward pass, or of one backward pass that recomputes the sums before the activation.

    Every addition, product, division and exponential counts as one operation, including taps outside the sequence and
    the bias. Every input is read once and every output written once.
    """
    cells = batch * length * channels
    if backward:
        work = 4 * taps + 1 + (2 * taps + 9 if silu else 0)
        wide = 3
    else:
        work = 2 * taps + (4 if silu else 0)
        wide = 2
    work += residual
    small = channels * (taps + 1) * (2 if backward else 1)
    return KernelCost(cells * work, (cells * wide + small) * itemsize)


class Operands(NamedTuple):
    """Tensors of one dtype and device, and the position of the first tap: `left` positions before the output."""

    x: Tensor
    weight: Tensor
    bias: Tensor | None
    dilation: int
    left: int
    silu: bool
    residual: bool

    def check(self) -> None:
        channels, taps = self.x.shape[2], self.weight.shape[1]
        check(self.x, {"weight": (self.weight, (channels, taps)), "bias": (self.bias, (channels,))})
        if self.dilation < 1:
            raise ValueError(f"the dilation is {self.dilation}; it must be at least 1")

    def outputs(self) -> tuple[Tensor]:
        return (self.x.new_empty(self.x.shape),)

    def cost(self, *, backward: bool) -> KernelCost:
        taps = self.weight.shape[1]
        return cost(*self.x.shape, taps=taps, silu=self.silu, residual=self.residual, backward=backward)


def _implementation(taken: Path) -> Implementation:
    if taken == "triton":
        from . import triton_backward, triton_forward

        return triton_forward, triton_backward
    from . import c, torch_form

    return (c, c) if taken == "c" else (torch_form, torch_form)


conv = register("depthwise_conv", Operands, _implementation, members={"x": 2, "weight": 0, "bias": 0, "y": 2})
