"""The moving averages in C: shapes and pointers for `ema.c`."""

from __future__ import annotations

import ctypes
from pathlib import Path

import torch
from torch import Tensor

from ..native import Rows, as_rows, library, pointer, pointers
from .operands import Gradients, Operands

SOURCE = Path(__file__).with_name("ema.c")

CHUNK = 64
"""Steps between two states kept for the backward pass: BLOCK of ema.c."""


class _Ema(ctypes.Structure):
    """`ema` of ema.c."""

    _fields_ = (
        *((name, ctypes.c_int64) for name in ("batch", "length", "channels", "averages", "parts", "threads")),
        *((name, Rows) for name in ("x", "y")),
        *pointers("decay", "weight", "checkpoints", "final"),
    )


class _Gradients(ctypes.Structure):
    """`gradients` of ema.c."""

    _fields_ = (*((name, Rows) for name in ("dy", "dx")), *pointers("dstate", "ddecay", "dweight"))


def available() -> bool:
    """Return whether the C library is to be had."""
    return library(SOURCE) is not None


def forward(operands: Operands) -> tuple[Tensor, Tensor, Tensor]:
    """Return outputs, final state, and the averages at the start of each chunk."""
    x = as_rows(operands.x)
    y = x.new_empty(x.shape)
    checkpoints = x.new_empty(operands.checkpoint_shape(CHUNK))
    checkpoints[:, 0] = 0 if operands.initial_state is None else operands.initial_state.mT
    final = torch.empty_like(checkpoints[:, 0], memory_format=torch.contiguous_format)
    decay, weight = _by_average(operands)
    addresses = map(pointer, (decay, weight, checkpoints, final))
    rows = (Rows.of(tensor, reverse=operands.reverse) for tensor in (x, y))
    _functions().ema_forward(ctypes.byref(_Ema(*_sizes(operands), *rows, *addresses)))
    return y, final.mT.contiguous(), checkpoints


def backward(operands: Operands, checkpoints: Tensor, dy: Tensor, dfinal: Tensor | None) -> Gradients:
    """Return the gradients of all operands."""
    x, dy, checkpoints = as_rows(operands.x), as_rows(dy), checkpoints.contiguous()
    dx = dy.new_empty(x.shape)
    dstate, ddecay, dweight = (torch.zeros_like(checkpoints[:, 0].contiguous()) for _ in range(3))
    if dfinal is not None:
        dstate.copy_(dfinal.mT)
    decay, weight = _by_average(operands)
    rows = (Rows.of(tensor, reverse=operands.reverse) for tensor in (dy, dx))
    gradients = _Gradients(*rows, *map(pointer, (dstate, ddecay, dweight)))
    given = Rows.of(x, reverse=operands.reverse), Rows.of(None)
    addresses = map(pointer, (decay, weight, checkpoints, None))
    _functions().ema_backward(ctypes.byref(_Ema(*_sizes(operands), *given, *addresses)), ctypes.byref(gradients))
    dinitial = None if operands.initial_state is None else dstate.mT.contiguous()
    return Gradients(dx, ddecay.sum(0).mT, dweight.sum(0).mT, dinitial)


def _by_average(operands: Operands) -> tuple[Tensor, Tensor]:
    return operands.decay.mT.contiguous(), operands.weight.mT.contiguous()


def _sizes(operands: Operands) -> tuple[int, ...]:
    threads = torch.get_num_threads()
    return *operands.x.shape, operands.decay.shape[1], -(-threads // operands.x.shape[0]), threads


def _functions() -> ctypes.CDLL:
    functions = library(SOURCE)
    assert functions is not None
    return functions
