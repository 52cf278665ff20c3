"""What the depthwise convolution is given, gathered under one name."""

from __future__ import annotations

from typing import NamedTuple

from torch import Tensor

from ..checking import check


class Operands(NamedTuple):
    """Tensors of one dtype and device, and where the first tap lies: `left` positions before the output."""

    x: Tensor
    weight: Tensor
    bias: Tensor | None
    dilation: int
    left: int
    silu: bool
    residual: bool

    def check(self) -> None:
        """Raise ValueError where shapes, dtypes or devices do not go together, or the dilation is below one."""
        channels, taps = self.x.shape[2], self.weight.shape[1]
        # A GPU's kernels read half precision beside weights in float32.
        like = self.weight if self.x.is_cuda else self.x
        check(like, {"weight": (self.weight, (channels, taps)), "bias": (self.bias, (channels,))})
        if self.dilation < 1:
            raise ValueError(f"the dilation is {self.dilation}; it must be at least 1")


class Gradients(NamedTuple):
    """The gradients of the tensors among `Operands`; None where there is no bias."""

    x: Tensor
    weight: Tensor
    bias: Tensor | None
