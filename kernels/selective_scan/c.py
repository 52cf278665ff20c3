"""The selective scan in C: the arguments of selective_scan.c."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from ..native import Arguments, arguments, call
from ..registration import Gradients
from .operation import Operands, as_planes, as_states

CHUNK = 32
"""Steps between two states kept for the backward pass: BLOCK of selective_scan.c."""

Scan = arguments(
    "batch length channels planes parts shares softplus threads",
    rows="u delta B C z",
    pointers="A reach D delta_bias y checkpoints final",
)
ScanGradients = arguments(rows="dy", pointers="du ddelta dB dC dz dstate dA dD ddelta_bias scratch")


def checkpoint_steps(operands: Operands) -> int:
    return CHUNK


def forward(operands: Operands) -> tuple[Tensor, Tensor, Tensor]:
    y, checkpoints = operands.u.new_empty(operands.u.shape), operands.checkpoints(CHUNK)
    checkpoints[:, 0] = 0 if operands.initial_state is None else as_planes(operands.initial_state)
    final = checkpoints.new_empty(checkpoints[:, 0].shape)
    call("selective_scan", "scan_forward", _scan(operands, checkpoints=checkpoints, y=y, final=final))
    return y, as_states(final, operands.A), checkpoints


def backward(operands: Operands, checkpoints: Tensor, dy: Tensor, dfinal: Tensor | None) -> Gradients:
    batch, _, channels = operands.u.shape
    du, ddelta, dB, dC = (x.new_empty(x.shape) for x in (operands.u, operands.delta, operands.B, operands.C))
    dz = du.new_empty(0 if operands.z is None else du.shape)
    dA = checkpoints.new_zeros(checkpoints[:, 0].shape)
    dstate = torch.zeros_like(dA) if dfinal is None else as_planes(dfinal)
    dD, dbias = du.new_zeros(batch, channels), du.new_zeros(batch, channels)
    scan = _scan(operands, checkpoints=checkpoints)
    by_operand = {"du": du, "ddelta": ddelta, "dA": dA, "dB": dB, "dC": dC, "dD": dD, "dz": dz, "ddelta_bias": dbias}
    scratch = torch.empty(call("selective_scan", "scan_scratch", scan))
    gradients = ScanGradients(dy=dy, **by_operand, dstate=dstate, scratch=scratch)
    call("selective_scan", "scan_backward", scan, gradients)
    dA, dinitial = as_states(dA.sum(0), operands.A), as_states(dstate, operands.A)
    return du, ddelta, dA, dB, dC, dD.sum(0), dz, dbias.sum(0), dinitial


def _scan(operands: Operands, **others: Tensor) -> Arguments:
    (batch, length, channels), A = operands.u.shape, operands.A
    sizes = {"batch": batch, "length": length, "channels": channels, "planes": operands.planes}
    sizes |= {"parts": 2 if A.is_complex() else 1, "softplus": operands.delta_softplus}
    shares = -(-torch.get_num_threads() // batch)
    by_log2 = {"A": as_planes(A) * math.log2(math.e), "reach": A.abs().amax(1) * math.log2(math.e)}
    return Scan(**sizes, shares=shares, **{**operands._asdict(), **by_log2}, **others)
