"""The product of the Mu-Layer, and its registration with torch: gradients, shapes, vmap and the FLOP counter."""

from __future__ import annotations

from types import ModuleType
from typing import Any, Literal

import torch
from torch import Tensor
from torch.utils.flop_counter import register_flop_formula

from ..mapping import one_at_a_time
from ..paths import note, takes_triton
from . import fused, plain
from .cost import cost
from .operands import Operands

ARGUMENTS = (
    "Tensor a, Tensor c, Tensor weight_a, Tensor bias_a, Tensor weight_c, Tensor bias_c, Tensor alpha, "
    "Tensor? source, float eps"
)


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
        (batch or 1, length, groups) int32: the position from which each group of channels of `a` is read; None reads
        each from its own. Group g begins at channel ``g * channels // groups``. This is the spatial shift, without a
        copy of `a`.
    eps
        Added to the variances.

    Returns
    -------
    Tensor
        (batch, length, channels) in the dtype of `a`. Computed in float64 where `a` is, else in float32.

    Raises
    ------
    ValueError
        For shapes that do not go together, or a `source` outside the sequence.

    Notes
    -----
    Differentiable once, in all floating tensors. On the CPU float32 runs in C where a compiler is found, see `path`.
    """
    precision = torch.float64 if a.dtype == torch.float64 else torch.float32
    small = (x.to(precision) for x in (weight_a, bias_a, weight_c, bias_c, alpha))
    wide = (a, c.to(a.dtype)) if takes_triton(a) else (a.to(precision), c.to(precision))
    return product(*wide, *small, source, eps)[0].to(a.dtype)


def path(a: Tensor) -> Literal["c", "triton", "torch"]:
    """Return the path that a product of `a` takes.

    "c"
        float32 on the CPU, where a C compiler is found: two passes over each row while it is in the cache.
    "triton"
        On a GPU, float64 aside: half precision is read and written as it is.
    "torch"
        Else: element-wise operations of torch.
    """
    if a.dtype == torch.float32 and a.device.type == "cpu" and fused.available():
        return "c"
    return "triton" if takes_triton(a) else "torch"


def _implementation(a: Tensor) -> ModuleType:
    taken = path(a)
    note("mu_layer", taken)
    if taken == "triton":
        from . import on_gpu  # Triton is imported only where it is used

        return on_gpu
    return fused if taken == "c" else plain


@torch.library.custom_op("archarena::mu_product", mutates_args=(), schema=f"({ARGUMENTS}) -> (Tensor y, Tensor stats)")
def product(*arguments: Any) -> tuple[Tensor, Tensor]:
    operands = Operands(*arguments)
    operands.check()
    return _implementation(operands.a).forward(operands)


@torch.library.custom_op(
    "archarena::mu_product_backward", mutates_args=(), schema=f"(Tensor stats, Tensor dy, {ARGUMENTS}) -> Tensor[]"
)
def product_backward(stats: Tensor, dy: Tensor, *arguments: Any) -> list[Tensor]:
    gradients = _implementation(dy).backward(Operands(*arguments), stats, dy)
    return [x.contiguous() for x in gradients]


@product.register_fake
def _(a: Tensor, *rest: Any) -> tuple[Tensor, Tensor]:
    wide = torch.float64 if a.dtype == torch.float64 else torch.float32
    return a.new_empty(a.shape), a.new_empty(*a.shape[:2], 4, dtype=wide)


@product_backward.register_fake
def _(stats: Tensor, dy: Tensor, *arguments: Any) -> list[Tensor]:
    return [x.new_empty(x.shape) for x in arguments[:7]]


def _remember(ctx: Any, inputs: tuple[Any, ...], output: tuple[Tensor, Tensor]) -> None:
    *tensors, ctx.eps = inputs
    ctx.set_materialize_grads(False)
    ctx.mark_non_differentiable(output[1])
    ctx.save_for_backward(output[1], *tensors)


def _differentiate(ctx: Any, dy: Tensor | None, _: None) -> tuple[Tensor | None, ...]:
    if dy is None:
        return (None,) * 9
    stats, *tensors = ctx.saved_tensors
    return *product_backward(stats, dy, *tensors, ctx.eps), None, None


product.register_autograd(_differentiate, setup_context=_remember)
product.register_vmap(one_at_a_time(product))
product_backward.register_vmap(one_at_a_time(product_backward))


@register_flop_formula(torch.ops.archarena.mu_product)
def _(a: Any, *rest: Any, **_: Any) -> int:
    return cost(*a).flops


@register_flop_formula(torch.ops.archarena.mu_product_backward)
def _(stats: Any, dy: Any, *rest: Any, **_: Any) -> int:
    return cost(*dy, backward=True).flops
