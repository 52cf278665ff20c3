"""The public depthwise convolution, and its registration with torch: gradients, shapes, vmap and the FLOP counter."""

from __future__ import annotations

from types import ModuleType
from typing import Any, Literal

import torch
from torch import Tensor
from torch.utils.flop_counter import register_flop_formula

from ..mapping import one_at_a_time
from ..paths import note, takes_triton
from . import fused, shifted
from .cost import cost
from .operands import Operands

ARGUMENTS = "Tensor x, Tensor weight, Tensor? bias, int dilation, int left, bool silu, bool residual"


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
        Positions between neighbouring taps; may exceed the length.
    causal
        Whether the last tap lies on the output's own position. Else the taps are centred, and where that cannot be
        exact the odd position lies after, as with ``padding="same"`` in torch.
    activation
        "silu", applied to the sum, or None.
    residual
        Whether `x` itself is added to the result, after the activation.

    Returns
    -------
    Tensor
        (batch, length, channels) in the dtype of `x`. Computed in float64 where `x` is, else in float32.

    Raises
    ------
    ValueError
        For shapes that do not go together, a dilation below one, or an unknown activation.

    Notes
    -----
    Differentiable once, in all tensors. On the CPU float32 runs in C where a compiler is found, see `path`.
    """
    if activation not in (None, "silu"):
        raise ValueError(f"unknown activation {activation!r}; there are 'silu' and None")
    precision = torch.float64 if x.dtype == torch.float64 else torch.float32
    weight, bias = weight.to(precision), None if bias is None else bias.to(precision)
    read = x if takes_triton(x) else x.to(precision)
    reach = (weight.shape[1] - 1) * dilation
    return conv(read, weight, bias, dilation, reach if causal else reach // 2, activation == "silu", residual).to(
        x.dtype
    )


def path(x: Tensor) -> Literal["c", "triton", "shifted"]:
    """Return the path that a convolution of `x` takes.

    "c"
        float32 on the CPU, where a C compiler is found: one pass over the rows.
    "triton"
        On a GPU, float64 aside: half precision is read and written as it is.
    "shifted"
        Else: one shifted multiply-add in torch a tap.
    """
    if x.dtype == torch.float32 and x.device.type == "cpu" and fused.available():
        return "c"
    return "triton" if takes_triton(x) else "shifted"


def _implementation(x: Tensor) -> ModuleType:
    taken = path(x)
    note("depthwise_conv", taken)
    if taken == "triton":
        from . import on_gpu  # Triton is imported only where it is used

        return on_gpu
    return fused if taken == "c" else shifted


@torch.library.custom_op("archarena::depthwise_conv", mutates_args=(), schema=f"({ARGUMENTS}) -> Tensor")
def conv(*arguments: Any) -> Tensor:
    operands = Operands(*arguments)
    operands.check()
    return _implementation(operands.x).forward(operands)


@torch.library.custom_op(
    "archarena::depthwise_conv_backward", mutates_args=(), schema=f"(Tensor dy, {ARGUMENTS}) -> Tensor[]"
)
def conv_backward(dy: Tensor, *arguments: Any) -> list[Tensor]:
    gradients = _implementation(dy).backward(Operands(*arguments), dy)
    return [dy.new_empty(0) if x is None else x.contiguous() for x in gradients]


@conv.register_fake
def _(x: Tensor, *rest: Any) -> Tensor:
    return x.new_empty(x.shape)


@conv_backward.register_fake
def _(dy: Tensor, x: Tensor, weight: Tensor, bias: Tensor | None, *rest: Any) -> list[Tensor]:
    return [dy.new_empty(0) if tensor is None else tensor.new_empty(tensor.shape) for tensor in (x, weight, bias)]


def _remember(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
    *tensors, dilation, left, silu, residual = inputs
    ctx.options = (dilation, left, silu, residual)
    ctx.save_for_backward(*tensors)


def _differentiate(ctx: Any, dy: Tensor) -> tuple[Tensor | None, ...]:
    dx, dweight, dbias = conv_backward(dy, *ctx.saved_tensors, *ctx.options)
    return dx, dweight, None if ctx.saved_tensors[2] is None else dbias, None, None, None, None


conv.register_autograd(_differentiate, setup_context=_remember)
conv.register_vmap(one_at_a_time(conv))
conv_backward.register_vmap(one_at_a_time(conv_backward))


@register_flop_formula(torch.ops.archarena.depthwise_conv)
def _(x: Any, weight: Any, bias: Any, dilation: int, left: int, silu: bool, residual: bool, **_: Any) -> int:
    return cost(*x, taps=weight[1], silu=silu, residual=residual).flops


@register_flop_formula(torch.ops.archarena.depthwise_conv_backward)
def _(dy: Any, x: Any, weight: Any, bias: Any, dilation: int, left: int, silu: bool, residual: bool, **_: Any) -> int:
    return cost(*x, taps=weight[1], silu=silu, residual=residual, backward=True).flops
