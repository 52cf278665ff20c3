"""The depthwise convolution in C: shapes and pointers for `conv.c`."""

from __future__ import annotations

import ctypes
from pathlib import Path

import torch
from torch import Tensor

from ..native import Rows, as_rows, library, pointers
from .operands import Gradients, Operands

SOURCE = Path(__file__).with_name("conv.c")

BLOCK = 256
"""Rows that one task takes; the gradient of the weights is summed task by task, whatever the threads."""

SIZES = ("batch", "length", "channels", "taps", "dilation", "left", "silu", "residual", "block", "threads")


class _Conv(ctypes.Structure):
    """`conv` of conv.c."""

    _fields_ = (*((name, ctypes.c_int64) for name in SIZES), ("x", Rows), *pointers("weight", "bias", "y", "scratch"))


class _Gradients(ctypes.Structure):
    """`gradients` of conv.c."""

    _fields_ = (("dy", Rows), *pointers("dx", "dweight", "dbias"))


def available() -> bool:
    """Return whether the C library is to be had."""
    return library(SOURCE) is not None


def forward(operands: Operands) -> Tensor:
    """Return the convolution."""
    operands = _in_place(operands)
    y = operands.x.new_empty(operands.x.shape)
    conv, _scratch = _describe(operands)
    conv.y = y.data_ptr()
    _functions().conv_forward(ctypes.byref(conv))
    return y


def backward(operands: Operands, dy: Tensor) -> Gradients:
    """Return the gradients of all operands."""
    operands, dy = _in_place(operands), as_rows(dy)
    conv, _scratch = _describe(operands)
    tasks, (taps, channels) = _functions().conv_tasks(ctypes.byref(conv)), operands.weight.shape
    dx = dy.new_empty(operands.x.shape)
    dweight, dbias = dy.new_empty(tasks, taps, channels), dy.new_empty(tasks, channels)
    gradients = _Gradients(Rows.of(dy), *(x.data_ptr() for x in (dx, dweight, dbias)))
    _functions().conv_backward(ctypes.byref(conv), ctypes.byref(gradients))
    return Gradients(dx, dweight.sum(0).mT.contiguous(), None if operands.bias is None else dbias.sum(0))


def _in_place(operands: Operands) -> Operands:
    """Copy only what C cannot read where it lies; the weight becomes (taps, channels)."""
    bias = None if operands.bias is None else operands.bias.contiguous()
    return operands._replace(x=as_rows(operands.x), weight=operands.weight.mT.contiguous(), bias=bias)


def _describe(operands: Operands) -> tuple[_Conv, Tensor]:
    """Return the convolution for C, and room for the rows that its threads copy."""
    x, weight, bias, *options = operands
    sizes = (*x.shape, weight.shape[0], *options, BLOCK, torch.get_num_threads())
    conv = _Conv(*sizes, Rows.of(x), weight.data_ptr(), None if bias is None else bias.data_ptr())
    scratch = x.new_empty(_functions().conv_scratch(ctypes.byref(conv)))
    conv.scratch = scratch.data_ptr()
    return conv, scratch


def _functions() -> ctypes.CDLL:
    functions = library(SOURCE)
    assert functions is not None
    functions.conv_tasks.restype = functions.conv_scratch.restype = ctypes.c_int64
    return functions
