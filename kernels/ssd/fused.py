"""The recurrence of matrix states in C: shapes, pointers and scratch for `ssd.c`."""

from __future__ import annotations

import ctypes
from pathlib import Path

import torch
from torch import Tensor

from ..native import Rows, as_rows, library, pointer, pointers
from .operands import Gradients, Operands

SOURCE = Path(__file__).with_name("ssd.c")

CHUNK = 32
"""Steps between two states kept for the backward pass: BLOCK of ssd.c."""


class _Ssd(ctypes.Structure):
    """`ssd` of ssd.c."""

    _fields_ = (
        *((name, ctypes.c_int64) for name in ("batch", "length", "heads", "p", "n", "by_channel", "threads")),
        *((name, Rows) for name in ("x", "log_decay", "B", "C")),
        *pointers("y", "checkpoints", "final", "scratch"),
    )


class _Gradients(ctypes.Structure):
    """`gradients` of ssd.c."""

    _fields_ = (("dy", Rows), *pointers("dx", "dlog_decay", "dB", "dC", "dstate"))


def available() -> bool:
    """Return whether the C library is to be had."""
    return library(SOURCE) is not None


def checkpoint_shape(operands: Operands) -> tuple[int, ...]:
    """(batch, chunks, heads, n, p) of one state every `CHUNK` steps."""
    batch, heads, p, n = operands.state_shape
    return batch, -(-operands.x.shape[1] // CHUNK), heads, n, p


def forward(operands: Operands) -> tuple[Tensor, Tensor, Tensor]:
    """Return outputs, final state, and the state at the start of each chunk."""
    y = operands.x.new_empty(operands.x.shape)
    checkpoints = y.new_empty(checkpoint_shape(operands))
    checkpoints[:, 0] = 0 if operands.initial_state is None else operands.initial_state.mT
    final = torch.empty_like(checkpoints[:, 0], memory_format=torch.contiguous_format)
    _call("ssd_forward", operands, checkpoints, y, final)
    return y, final.mT.contiguous(), checkpoints


def backward(operands: Operands, checkpoints: Tensor, dy: Tensor, dfinal: Tensor | None) -> Gradients:
    """Return the gradients of all operands."""
    dy, checkpoints = as_rows(dy.flatten(2)), checkpoints.contiguous()
    dx, dlog_decay, dB, dC = (x.new_empty(x.shape) for x in operands[:4])
    dstate = torch.zeros_like(checkpoints[:, 0], memory_format=torch.contiguous_format)
    if dfinal is not None:
        dstate.copy_(dfinal.mT)
    gradients = _Gradients(Rows.of(dy), *map(pointer, (dx, dlog_decay, dB, dC, dstate)))
    _call("ssd_backward", operands, checkpoints, None, None, gradients)
    dinitial = None if operands.initial_state is None else dstate.mT.contiguous()
    return Gradients(dx, dlog_decay, dB, dC, dinitial)


def _call(
    name: str,
    operands: Operands,
    checkpoints: Tensor,
    y: Tensor | None,
    final: Tensor | None,
    gradients: _Gradients | None = None,
) -> None:
    functions = library(SOURCE)
    assert functions is not None
    batch, length, heads, p = operands.x.shape
    sizes = batch, length, heads, p, operands.B.shape[3], operands.by_channel, torch.get_num_threads()
    rows = [as_rows(x.flatten(2)) for x in operands[:4]]
    ssd = _Ssd(*sizes, *map(Rows.of, rows), *map(pointer, (y, checkpoints, final)))
    functions.ssd_scratch.restype = ctypes.c_int64
    scratch = checkpoints.new_empty(functions.ssd_scratch(ctypes.byref(ssd)))
    ssd.scratch = scratch.data_ptr()
    functions[name](*map(ctypes.byref, (ssd,) if gradients is None else (ssd, gradients)))
