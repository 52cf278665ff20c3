"""The public product of the Mu-Layer, its operands and its paths."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from ..paths import Path
from ..precision import stored
from ..registration import Implementation, KernelCost, check, register


def mu_product(
    a: Tensor,
    c: Tensor,
    weight_a: Tensor,
    bias_a: Tensor,
    weight_c: Tensor,
    bias_c: Tensor,
    alpha: Tensor,
    *,
    source: Tensor | None = None,
    eps: float = 1e-6,
) -> Tensor:
    """Return ``n_a + alpha n_a n_c``, where n_a and n_c are the layer norms of two maps of the same input.

    The element-wise part of the Mu-Layer (Cheng et al., ICLR 2024, arXiv:2401.17992), without its maps.

    Parameters
    ----------
    a, c
        (batch, length, channels).
    weight_a, bias_a, weight_c, bias_c
        (channels,) of the two norms.
    alpha
        A scalar tensor.
    source
        (batch or 1, length, groups) int32: the position from which each group of channels of `a` is read; by default,
        each position reads itself. Group g begins at channel ``g * channels // groups``. This is the spatial shift,
        without a copy of `a`.
    eps
        Added to the variances.

    Returns
    -------
    Tensor
        (batch, length, channels) in the dtype of `a`. Computed in float64 if `a` is float64, else in float32.
        Differentiable once, in all floating tensors.

    Raises
    ------
    ValueError
        If shapes do not match, or `source` has positions outside the sequence.
    """
    precision = torch.float64 if a.dtype == torch.float64 else torch.float32
    small = (x.to(precision) for x in (weight_a, bias_a, weight_c, bias_c, alpha))
    y, _ = product(a.to(stored(a)), c.to(stored(a)), *small, source, eps)
    return y.to(a.dtype)


def cost(batch: int, length: int, channels: int, *, backward: bool = False, itemsize: int = 4) -> KernelCost:
    """Return the cost of one forward pass, or of one backward pass that recomputes both norms.

    Every addition and product counts as one operation. The forward pass reads both factors and writes one result; the
    backward pass reads the factors and the gradient and writes two. Weights and the four statistics per row are not
    counted.
    """
    cells = batch * length * channels
    return KernelCost(cells * (45 if backward else 17), cells * (5 if backward else 3) * itemsize)


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
        batch, length, channels = self.a.shape
        small = {name: (getattr(self, name), (channels,)) for name in ("weight_a", "bias_a", "weight_c", "bias_c")}
        check(self.a, {"c": (self.c, (batch, length, channels)), **small, "alpha": (self.alpha, ())})
        if self.source is None:
            return
        rows, positions, groups = self.source.shape
        if rows not in (1, batch) or positions != length or not 1 <= groups <= channels:
            raise ValueError(
                f"source has shape {tuple(self.source.shape)}; it needs 1 or {batch} rows, {length} positions and at "
                f"most {channels} groups"
            )
        if self.source.dtype != torch.int32:
            raise ValueError(f"source is {self.source.dtype}; it must be int32")
        if self.source.device.type == "cpu" and not 0 <= int(self.source.min()) <= int(self.source.max()) < length:
            raise ValueError(f"source has positions outside 0 to {length - 1}")

    def outputs(self) -> tuple[Tensor, Tensor]:
        """Return new tensors for the product, and for the statistics of both norms."""
        wide = torch.float64 if self.a.dtype == torch.float64 else torch.float32
        return self.a.new_empty(self.a.shape), self.a.new_empty(*self.a.shape[:2], 4, dtype=wide)

    def cost(self, *, backward: bool) -> KernelCost:
        return cost(*self.a.shape, backward=backward)


def _implementation(taken: Path) -> Implementation:
    if taken == "triton":
        from . import triton_backward, triton_forward

        return triton_forward, triton_backward
    from . import c, torch_form

    return (c, c) if taken == "c" else (torch_form, torch_form)


product = register("mu_layer", Operands, _implementation, keeps=("statistics",))
