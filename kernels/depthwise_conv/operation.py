"""The public depthwise convolution, its operands and its paths."""

from __future__ import annotations

from typing import Literal, NamedTuple

import torch
from torch import Tensor

from ..paths import Path
from ..precision import stored
from ..registration import Implementation, KernelCost, check, register
from .cost import cost


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

    Raises
    ------
    ValueError
        If shapes do not match, the dilation is below one, or the activation is unknown.

    Notes
    -----
    Differentiable once, in all tensors.
    """
    if activation not in (None, "silu"):
        raise ValueError(f"unknown activation {activation!r}; there are 'silu' and None")
    precision = torch.float64 if x.dtype == torch.float64 else torch.float32
    weight, bias = weight.to(precision), None if bias is None else bias.to(precision)
    reach = (weight.shape[1] - 1) * dilation
    left = reach if causal else reach // 2
    return conv(x.to(stored(x)), weight, bias, dilation, left, activation == "silu", residual).to(x.dtype)


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
        """Raise ValueError if shapes, dtypes or devices do not match, or the dilation is below one."""
        channels, taps = self.x.shape[2], self.weight.shape[1]
        check(self.x, {"weight": (self.weight, (channels, taps)), "bias": (self.bias, (channels,))})
        if self.dilation < 1:
            raise ValueError(f"the dilation is {self.dilation}; it must be at least 1")

    def outputs(self) -> tuple[Tensor]:
        """Return room for y."""
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


conv = register("depthwise_conv", Operands, _implementation)
