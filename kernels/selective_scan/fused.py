"""The selective scan in C: shapes, pointers and scratch for `scan.c`."""

from __future__ import annotations

import ctypes
from pathlib import Path

import torch
from torch import Tensor

from ..native import Rows, as_rows, library, pointers
from .operands import Gradients, Operands

SOURCE = Path(__file__).with_name("scan.c")

CHUNK = 64
"""Steps between two states kept for the backward pass: what is run again then stays in the second cache."""


class _Scan(ctypes.Structure):
    """`scan` of scan.c."""

    _fields_ = (
        *((name, ctypes.c_int64) for name in ("batch", "length", "channels", "states", "chunk", "softplus", "threads")),
        *((name, Rows) for name in ("u", "delta", "B", "C", "z")),
        *pointers("A", "D", "delta_bias", "initial", "y", "final", "checkpoints", "scratch"),
    )


class _Gradients(ctypes.Structure):
    """`gradients` of scan.c."""

    _fields_ = (
        ("dy", Rows),
        *pointers("dfinal", "du", "ddelta", "dB", "dC", "dz", "dA", "dD", "ddelta_bias", "dinitial"),
    )


def available() -> bool:
    """Return whether the C library is to be had."""
    return library(SOURCE) is not None


def forward(operands: Operands) -> tuple[Tensor, Tensor, Tensor]:
    """Return outputs, final state, and the state at the start of each chunk."""
    operands = _in_place(operands)
    y = operands.u.new_empty(operands.u.shape)
    final = y.new_empty(operands.state_shape)
    checkpoints = y.new_empty(operands.checkpoint_shape(CHUNK))
    scan = _describe(operands, checkpoints)
    scan.y, scan.final = y.data_ptr(), final.data_ptr()
    _call("scan_forward", scan)
    return y, final, checkpoints


def backward(operands: Operands, checkpoints: Tensor, dy: Tensor, dfinal: Tensor | None) -> Gradients:
    """Return the gradients of all operands."""
    operands, dy = _in_place(operands), as_rows(dy)
    dfinal = None if dfinal is None else dfinal.contiguous()
    batch, _, channels = operands.u.shape
    du, ddelta, dB, dC = (x.new_empty(x.shape) for x in (operands.u, operands.delta, operands.B, operands.C))
    dz = du.new_empty(0 if operands.z is None else du.shape)
    dA, dinitial = du.new_empty(operands.state_shape), du.new_empty(operands.state_shape)
    dD, ddelta_bias = du.new_empty(batch, channels), du.new_empty(batch, channels)
    written = (dfinal, du, ddelta, dB, dC, dz, dA, dD, ddelta_bias, dinitial)
    gradients = _Gradients(Rows.of(dy), *map(_pointer, written))
    _call("scan_backward", _describe(operands, checkpoints), gradients)
    return Gradients(
        u=du,
        delta=ddelta,
        A=dA.sum(0),
        B=dB,
        C=dC,
        D=None if operands.D is None else dD.sum(0),
        z=None if operands.z is None else dz,
        delta_bias=None if operands.delta_bias is None else ddelta_bias.sum(0),
        initial_state=None if operands.initial_state is None else dinitial,
    )


def _in_place(operands: Operands) -> Operands:
    """Copy only what C cannot read where it lies."""
    rows = {name: as_rows(x) for name in ("u", "delta", "B", "C", "z") if (x := getattr(operands, name)) is not None}
    whole = ("A", "D", "delta_bias", "initial_state")
    return operands._replace(
        **rows, **{name: x.contiguous() for name in whole if (x := getattr(operands, name)) is not None}
    )


def _describe(operands: Operands, checkpoints: Tensor) -> _Scan:
    batch, length, channels = operands.u.shape
    states = operands.A.shape[1]
    sizes = (batch, length, channels, states, CHUNK, operands.delta_softplus, torch.get_num_threads())
    rows = (Rows.of(x) for x in (operands.u, operands.delta, operands.B, operands.C, operands.z))
    whole = (operands.A, operands.D, operands.delta_bias, operands.initial_state)
    return _Scan(*sizes, *rows, *map(_pointer, whole), None, None, checkpoints.data_ptr())


def _pointer(x: Tensor | None) -> int | None:
    return None if x is None else x.data_ptr()


def _call(name: str, scan: _Scan, gradients: _Gradients | None = None) -> None:
    functions = library(SOURCE)
    assert functions is not None
    functions.scan_scratch.restype = ctypes.c_int64
    size = functions.scan_scratch(ctypes.byref(scan), ctypes.c_int64(gradients is not None))
    scratch = torch.empty(size)
    scan.scratch = scratch.data_ptr()
    others = () if gradients is None else (ctypes.byref(gradients),)
    functions[name](ctypes.byref(scan), *others)
