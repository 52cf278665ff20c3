"""The linear recurrence in C: the arguments of linear_recurrence.c."""

from __future__ import annotations

import torch
from torch import Tensor

from ..native import Arguments, arguments, call
from ..registration import Gradients
from .operation import Operands

Recurrence = arguments("batch length channels parts is_complex threads", rows="a b h", pointers="initial")
RecurrenceGradients = arguments(rows="dh da db", pointers="dinitial")


def forward(operands: Operands) -> Tensor:
    h = operands.b.new_empty(operands.b.shape)
    call("linear_recurrence", "recurrence_forward", _recurrence(operands, b=operands.b, h=h))
    return h


def backward(operands: Operands, dh: Tensor) -> Gradients:
    _, h, initial_state, reverse = operands
    da, db = h.new_empty(h.shape), h.new_empty(h.shape)
    dinitial = None if initial_state is None else h.new_empty(initial_state.shape)
    gradients = RecurrenceGradients(dh=dh, da=da, db=db, dinitial=dinitial, reverse=reverse)
    call("linear_recurrence", "recurrence_backward", _recurrence(operands, h=h), gradients)
    return da, db, dinitial


def _recurrence(operands: Operands, **rows: Tensor) -> Arguments:
    a, b, initial, reverse = operands
    batch, length, channels = b.shape
    sizes = {"batch": batch, "length": length, "channels": channels, "is_complex": b.is_complex()}
    parts = -(-torch.get_num_threads() // batch)
    return Recurrence(**sizes, parts=parts, a=a, initial=initial, **rows, reverse=reverse)
