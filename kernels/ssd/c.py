"""The recurrence of matrix states in C: the arguments of ssd.c."""

from __future__ import annotations

from torch import Tensor

from ..native import Arguments, arguments, call
from ..registration import Gradients
from .operation import Operands

CHUNK = 32
"""Steps between two states kept for the backward pass: BLOCK of ssd.c."""

Ssd = arguments(
    "batch length heads p n by_channel threads", rows="x log_decay B C", pointers="y checkpoints final scratch"
)
SsdGradients = arguments(rows="dy", pointers="dx dlog_decay dB dC dstate")


def checkpoint_steps(operands: Operands) -> int:
    return CHUNK


def forward(operands: Operands) -> tuple[Tensor, Tensor, Tensor]:
    y, checkpoints = operands.x.new_empty(operands.x.shape), operands.checkpoints(CHUNK, by_columns=True)
    checkpoints[:, 0] = 0 if operands.initial_state is None else operands.initial_state.mT
    final = checkpoints.new_empty(checkpoints[:, 0].shape)
    call("ssd", "ssd_forward", _ssd(operands, checkpoints=checkpoints, y=y, final=final))
    return y, final.mT.contiguous(), checkpoints


def backward(operands: Operands, checkpoints: Tensor, dy: Tensor, dfinal: Tensor | None) -> Gradients:
    dx, dlog_decay, dB, dC = (x.new_empty(x.shape) for x in operands[:4])
    dstate = checkpoints.new_zeros(checkpoints[:, 0].shape)
    if dfinal is not None:
        dstate.copy_(dfinal.mT)
    gradients = SsdGradients(dy=dy.flatten(2), dx=dx, dlog_decay=dlog_decay, dB=dB, dC=dC, dstate=dstate)
    call("ssd", "ssd_backward", _ssd(operands, checkpoints=checkpoints), gradients)
    return dx, dlog_decay, dB, dC, dstate.mT


def _ssd(operands: Operands, checkpoints: Tensor, **others: Tensor) -> Arguments:
    (batch, length, heads, p), n = operands.x.shape, operands.B.shape[3]
    sizes = {"batch": batch, "length": length, "heads": heads, "p": p, "n": n, "by_channel": operands.by_channel}
    rows = {name: getattr(operands, name).flatten(2) for name in ("x", "log_decay", "B", "C")}
    ssd = Ssd(**sizes, **rows, checkpoints=checkpoints, **others)
    ssd.point("scratch", checkpoints.new_empty(call("ssd", "ssd_scratch", ssd)))
    return ssd
