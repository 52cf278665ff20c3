"""The moving averages in C: the arguments of ema.c."""

from __future__ import annotations

import torch
from torch import Tensor

from ..native import Arguments, arguments, call
from ..registration import Gradients
from .operation import Operands

CHUNK = 64
"""Steps between two states kept for the backward pass: BLOCK of ema.c."""

Ema = arguments("batch length channels averages parts threads", rows="x y", pointers="decay weight checkpoints final")
EmaGradients = arguments(rows="dy dx", pointers="dstate ddecay dweight")


def checkpoint_steps(operands: Operands) -> int:
    return CHUNK


def forward(operands: Operands) -> tuple[Tensor, Tensor]:
    y, checkpoints = operands.x.new_empty(operands.x.shape), operands.checkpoints(CHUNK)
    checkpoints[:, 0] = 0
    final = checkpoints.new_empty(checkpoints[:, 0].shape)
    call("ema", "ema_forward", _ema(operands, checkpoints=checkpoints, y=y, final=final))
    return y, checkpoints


def backward(operands: Operands, checkpoints: Tensor, dy: Tensor) -> Gradients:
    dx = dy.new_empty(dy.shape)
    dstate, ddecay, dweight = (torch.zeros_like(checkpoints[:, 0].contiguous()) for _ in range(3))
    gradients = EmaGradients(dy=dy, dx=dx, dstate=dstate, ddecay=ddecay, dweight=dweight, reverse=operands.reverse)
    call("ema", "ema_backward", _ema(operands, checkpoints=checkpoints), gradients)
    return dx, ddecay.sum(0).mT, dweight.sum(0).mT


def _ema(operands: Operands, **others: Tensor) -> Arguments:
    x, decay, weight, reverse = operands
    (batch, length, channels), averages, threads = x.shape, decay.shape[1], torch.get_num_threads()
    sizes = {"batch": batch, "length": length, "channels": channels, "averages": averages}
    parts = -(-threads // batch)
    return Ema(**sizes, parts=parts, x=x, decay=decay.mT, weight=weight.mT, **others, reverse=reverse)
