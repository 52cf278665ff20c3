"""The depthwise convolution as a plain loop over time and taps: the reference for the fast paths."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F


def reference(
    x: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    *,
    dilation: int = 1,
    causal: bool = True,
    activation: str | None = None,
    residual: bool = False,
) -> Tensor:
    """Return the convolution in the precision of the inputs, differentiable by autograd.

    The arguments are those of `depthwise_conv`.
    """
    taps = weight.shape[1]
    reach = (taps - 1) * dilation
    left = reach if causal else reach // 2
    padded = F.pad(x, (0, 0, left, reach - left))
    outputs = []
    for t in range(x.shape[1]):
        total = torch.zeros_like(x[:, t]) if bias is None else bias.expand_as(x[:, t])
        for k in range(taps):
            total = total + weight[:, k] * padded[:, t + k * dilation]
        outputs.append(total)
    y = torch.stack(outputs, dim=1)
    y = F.silu(y) if activation == "silu" else y
    return x + y if residual else y
