"""What the depthwise convolution is given, gathered under one name."""

from __future__ import annotations

from typing import NamedTuple

from torch import Tensor


class Operands(NamedTuple):
    """Tensors of one dtype and device, and where the first tap lies: `left` positions before the output."""

    x: Tensor
    weight: Tensor
    bias: Tensor | None
    dilation: int
    left: int
    silu: bool


class Gradients(NamedTuple):
    """The gradients of the tensors among `Operands`; None where there is no bias."""

    x: Tensor
    weight: Tensor
    bias: Tensor | None
