"""The product of the Mu-Layer in C: shapes and pointers for `mu.c`."""

from __future__ import annotations

import ctypes
from pathlib import Path

import torch
from torch import Tensor

from ..native import Rows, as_rows, library, pointers
from .operands import Gradients, Operands

SOURCE = Path(__file__).with_name("mu.c")

BLOCK = 64
"""Positions that one task takes; gradients of the weights are summed block by block, whatever the threads."""

SIZES = ("batch", "length", "channels", "groups", "source_batch", "block", "threads")


class _Mu(ctypes.Structure):
    """`mu` of mu.c."""

    _fields_ = (
        *((name, ctypes.c_int64) for name in SIZES),
        ("eps", ctypes.c_float),
        ("a", Rows),
        ("c", Rows),
        *pointers("source", "weight_a", "bias_a", "weight_c", "bias_c", "alpha", "y", "stats"),
    )


class _Gradients(ctypes.Structure):
    """`gradients` of mu.c."""

    _fields_ = (("dy", Rows), *pointers("dread", "da", "dc", "dweights", "dalpha"))


def available() -> bool:
    """Return whether the C library is to be had."""
    return library(SOURCE) is not None


def forward(operands: Operands) -> tuple[Tensor, Tensor]:
    """Return the product, and the statistics (batch, length, 4) of both norms."""
    operands = _in_place(operands)
    y = operands.a.new_empty(operands.a.shape)
    stats = y.new_empty(*y.shape[:2], 4)
    mu = _describe(operands, stats)
    mu.y = y.data_ptr()
    _functions().mu_forward(ctypes.byref(mu))
    return y, stats


def backward(operands: Operands, stats: Tensor, dy: Tensor) -> Gradients:
    """Return the gradients of all operands."""
    operands, dy = _in_place(operands), as_rows(dy)
    batch, length, channels = operands.a.shape
    tasks, functions = batch * ((length + BLOCK - 1) // BLOCK), _functions()
    da, dc = (dy.new_empty(dy.shape) for _ in range(2))
    dread = dy.new_empty(0 if operands.source is None else dy.shape)
    dweights, dalpha = dy.new_empty(tasks, 4, channels), dy.new_empty(tasks, functions.mu_lanes())
    gradients = _Gradients(Rows.of(dy), *(x.data_ptr() for x in (dread, da, dc, dweights, dalpha)))
    functions.mu_backward(ctypes.byref(_describe(operands, stats)), ctypes.byref(gradients))
    weight_a, bias_a, weight_c, bias_c = (part.sum(0) for part in dweights.unbind(1))
    return Gradients(da, dc, weight_a, bias_a, weight_c, bias_c, dalpha.sum())


def _in_place(operands: Operands) -> Operands:
    """Copy only what C cannot read where it lies."""
    whole = {name: x.contiguous() for name in Operands._fields[2:8] if (x := getattr(operands, name)) is not None}
    return operands._replace(a=as_rows(operands.a), c=as_rows(operands.c), **whole)


def _describe(operands: Operands, stats: Tensor) -> _Mu:
    a, c, *small, source, eps = operands
    length = a.shape[1]
    groups, source_batch = (1, 0) if source is None else (source.shape[2], length * source.shape[2] * (len(source) > 1))
    sizes = (*a.shape, groups, source_batch, BLOCK, torch.get_num_threads())
    addresses = (None if source is None else source.data_ptr(), *(x.data_ptr() for x in small))
    return _Mu(*sizes, eps, Rows.of(a), Rows.of(c), *addresses, None, stats.data_ptr())


def _functions() -> ctypes.CDLL:
    functions = library(SOURCE)
    assert functions is not None
    return functions
