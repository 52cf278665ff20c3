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
"""Steps that one task takes; the gradient of the weights is summed block by block, whatever the threads."""

SHORT = 4
"""Taps up to which conv.c finds all gradients in one pass, where they are not dilated."""

SIZES = ("batch", "length", "channels", "taps", "dilation", "left", "silu", "residual", "block", "threads")


class _Conv(ctypes.Structure):
    """`conv` of conv.c."""

    _fields_ = (*((name, ctypes.c_int64) for name in SIZES), ("x", Rows), *pointers("weight", "bias", "y"))


class _Gradients(ctypes.Structure):
    """`gradients` of conv.c."""

    _fields_ = (("dy", Rows), *pointers("spare", "dx", "dweight", "dbias"))


def available() -> bool:
    """Return whether the C library is to be had."""
    return library(SOURCE) is not None


def forward(operands: Operands) -> Tensor:
    """Return the convolution."""
    operands = _in_place(operands)
    y = operands.x.new_empty(operands.x.shape)
    conv = _describe(operands)
    conv.y = y.data_ptr()
    _functions().conv_forward(ctypes.byref(conv))
    return y


def backward(operands: Operands, dy: Tensor) -> Gradients:
    """Return the gradients of all operands."""
    operands, dy = _in_place(operands), as_rows(dy)
    batch, length, channels = operands.x.shape
    blocks, taps = batch * ((length + BLOCK - 1) // BLOCK), operands.weight.shape[0]
    dx = dy.new_empty(operands.x.shape)
    if operands.dilation == 1 and 1 < taps <= SHORT:
        spare = dy.new_zeros(blocks, taps, channels)
    else:
        spare = dy.new_empty(dx.shape if operands.silu else 0)
    dweight, dbias = dy.new_empty(blocks, taps, channels), dy.new_empty(blocks, channels)
    gradients = _Gradients(Rows.of(dy), *(x.data_ptr() for x in (spare, dx, dweight, dbias)))
    _functions().conv_backward(ctypes.byref(_describe(operands)), ctypes.byref(gradients))
    return Gradients(dx, dweight.sum(0).mT.contiguous(), None if operands.bias is None else dbias.sum(0))


def _in_place(operands: Operands) -> Operands:
    """Copy only what C cannot read where it lies; the weight becomes (taps, channels)."""
    bias = None if operands.bias is None else operands.bias.contiguous()
    return operands._replace(x=as_rows(operands.x), weight=operands.weight.mT.contiguous(), bias=bias)


def _describe(operands: Operands) -> _Conv:
    x, weight, bias, *options = operands
    sizes = (*x.shape, weight.shape[0], *options, BLOCK, torch.get_num_threads())
    return _Conv(*sizes, Rows.of(x), weight.data_ptr(), None if bias is None else bias.data_ptr())


def _functions() -> ctypes.CDLL:
    functions = library(SOURCE)
    assert functions is not None
    return functions
