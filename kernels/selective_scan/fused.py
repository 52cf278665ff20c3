"""The selective scan in C: shapes, pointers and scratch for `scan.c`."""

from __future__ import annotations

import ctypes
import math
from pathlib import Path

import torch
from torch import Tensor

from ..native import Rows, as_rows, library, pointer, pointers
from .operands import Gradients, Operands, as_planes, as_states

SOURCE = Path(__file__).with_name("scan.c")

CHUNK = 32
"""Steps between two states kept for the backward pass: BLOCK of scan.c."""


class _Scan(ctypes.Structure):
    """`scan` of scan.c."""

    _fields_ = (
        *((name, ctypes.c_int64) for name in ("batch", "length", "channels", "planes")),
        *((name, ctypes.c_int64) for name in ("parts", "shares", "softplus", "threads")),
        *((name, Rows) for name in ("u", "delta", "B", "C", "z")),
        *pointers("A", "reach", "D", "delta_bias", "y", "checkpoints", "final"),
    )


class _Gradients(ctypes.Structure):
    """`gradients` of scan.c."""

    _fields_ = (
        ("dy", Rows),
        *pointers("du", "ddelta", "dB", "dC", "dz", "dstate", "dA", "dD", "ddelta_bias", "scratch"),
    )


def available() -> bool:
    """Return whether the C library is to be had."""
    return library(SOURCE) is not None


def forward(operands: Operands) -> tuple[Tensor, Tensor, Tensor]:
    """Return outputs, final state, and the state at the start of each chunk."""
    y = operands.u.new_empty(operands.u.shape)
    checkpoints = y.new_empty(operands.checkpoint_shape(CHUNK))
    checkpoints[:, 0] = 0 if operands.initial_state is None else as_planes(operands.initial_state)
    final = torch.empty_like(checkpoints[:, 0], memory_format=torch.contiguous_format)
    _call("scan_forward", operands, checkpoints, y, final)
    return y, as_states(final, operands.A), checkpoints


def backward(operands: Operands, checkpoints: Tensor, dy: Tensor, dfinal: Tensor | None) -> Gradients:
    """Return the gradients of all operands."""
    dy, checkpoints = as_rows(dy), checkpoints.contiguous()
    batch, _, channels = operands.u.shape
    du, ddelta, dB, dC = (x.new_empty(x.shape) for x in (operands.u, operands.delta, operands.B, operands.C))
    dz = du.new_empty(0 if operands.z is None else du.shape)
    dA = torch.zeros_like(checkpoints[:, 0], memory_format=torch.contiguous_format)
    dstate = torch.zeros_like(dA) if dfinal is None else as_planes(dfinal)
    dD, ddelta_bias = du.new_zeros(batch, channels), du.new_zeros(batch, channels)
    written = (du, ddelta, dB, dC, dz, dstate, dA, dD, ddelta_bias)
    gradients = _Gradients(Rows.of(dy), *map(pointer, written))
    _call("scan_backward", operands, checkpoints, None, None, gradients)
    return Gradients(
        u=du,
        delta=ddelta,
        A=as_states(dA.sum(0), operands.A),
        B=dB,
        C=dC,
        D=None if operands.D is None else dD.sum(0),
        z=None if operands.z is None else dz,
        delta_bias=None if operands.delta_bias is None else ddelta_bias.sum(0),
        initial_state=None if operands.initial_state is None else as_states(dstate, operands.A),
    )


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
    batch, length, channels = operands.u.shape
    threads, parts = torch.get_num_threads(), 2 if operands.A.is_complex() else 1
    sizes = (batch, length, channels, parts * operands.A.shape[1])
    rows = [None if x is None else as_rows(x) for x in (*operands[:2], operands.B, operands.C, operands.z)]
    A, reach = as_planes(operands.A) * math.log2(math.e), operands.A.abs().amax(1) * math.log2(math.e)
    whole = [None if x is None else x.contiguous() for x in (operands.D, operands.delta_bias)]
    scan = _Scan(
        *(*sizes, parts, -(-threads // batch), operands.delta_softplus, threads),
        *map(Rows.of, rows),
        *map(pointer, (A, reach, *whole, y, checkpoints, final)),
    )
    if gradients is None:
        functions[name](ctypes.byref(scan))
        return
    functions.scan_scratch.restype = ctypes.c_int64
    scratch = torch.empty(functions.scan_scratch(ctypes.byref(scan)))
    gradients.scratch = scratch.data_ptr()
    functions[name](ctypes.byref(scan), ctypes.byref(gradients))
