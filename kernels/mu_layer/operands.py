"""What the product of the Mu-Layer is given, gathered under one name."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from ..checking import check


class Operands(NamedTuple):
    """Tensors of one dtype and device; `source` is int32 or None."""

    a: Tensor
    c: Tensor
    weight_a: Tensor
    bias_a: Tensor
    weight_c: Tensor
    bias_c: Tensor
    alpha: Tensor
    source: Tensor | None
    eps: float

    def check(self) -> None:
        """Raise ValueError where shapes, dtypes or devices do not go together."""
        batch, length, channels = self.a.shape
        small = {name: (getattr(self, name), (channels,)) for name in ("weight_a", "bias_a", "weight_c", "bias_c")}
        check(self.a, {"c": (self.c, (batch, length, channels))})
        # A GPU's kernel reads half precision beside weights in float32.
        check(self.weight_a if self.a.is_cuda else self.a, {**small, "alpha": (self.alpha, ())})
        if self.source is None:
            return
        rows, positions, groups = self.source.shape
        if rows not in (1, batch) or positions != length or not 1 <= groups <= channels:
            raise ValueError(
                f"source has shape {tuple(self.source.shape)}, where 1 or {batch} rows, {length} positions and at most "
                f"{channels} groups are asked for"
            )
        if self.source.dtype != torch.int32:
            raise ValueError(f"source is {self.source.dtype}; it must be int32")
        if self.source.device.type == "cpu" and not 0 <= int(self.source.min()) <= int(self.source.max()) < length:
            raise ValueError(f"source names positions outside 0 to {length - 1}")


class Gradients(NamedTuple):
    """The gradients of the differentiable tensors among `Operands`, in their order."""

    a: Tensor
    c: Tensor
    weight_a: Tensor
    bias_a: Tensor
    weight_c: Tensor
    bias_c: Tensor
    alpha: Tensor
