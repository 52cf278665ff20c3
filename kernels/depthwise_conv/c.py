"""The depthwise convolution in C: the arguments of depthwise_conv.c."""

from __future__ import annotations

from torch import Tensor

from ..native import Arguments, arguments, call
from ..registration import Gradients
from .operation import Operands

BLOCK = 256
"""Rows per task. The gradient of the weights is summed task by task, independent of the number of threads."""

Conv = arguments(
    "batch length channels taps dilation left silu residual block threads", rows="x", pointers="weight bias y scratch"
)
ConvGradients = arguments(rows="dy", pointers="dx dweight dbias")


def forward(operands: Operands) -> Tensor:
    y = operands.x.new_empty(operands.x.shape)
    call("depthwise_conv", "conv_forward", _conv(operands, y=y))
    return y


def backward(operands: Operands, dy: Tensor) -> Gradients:
    conv, (channels, taps) = _conv(operands), operands.weight.shape
    tasks = call("depthwise_conv", "conv_tasks", conv)
    dx = dy.new_empty(operands.x.shape)
    dweight, dbias = dy.new_empty(tasks, taps, channels), dy.new_empty(tasks, channels)
    call("depthwise_conv", "conv_backward", conv, ConvGradients(dy=dy, dx=dx, dweight=dweight, dbias=dbias))
    return dx, dweight.sum(0).mT, dbias.sum(0)


def _conv(operands: Operands, **others: Tensor) -> Arguments:
    x, weight, bias, dilation, left, silu, residual = operands
    (batch, length, channels), taps = x.shape, weight.shape[1]
    sizes = {"batch": batch, "length": length, "channels": channels, "taps": taps, "dilation": dilation}
    sizes |= {"left": left, "silu": silu, "residual": residual, "block": BLOCK}
    conv = Conv(**sizes, x=x, weight=weight.mT, bias=bias, **others)
    conv.point("scratch", x.new_empty(call("depthwise_conv", "conv_scratch", conv)))
    return conv
