"""The product of the Mu-Layer in C: the arguments of mu_layer.c."""

from __future__ import annotations

from torch import Tensor

from ..native import Arguments, arguments, call
from ..registration import Gradients
from .operation import Operands

BLOCK = 64
"""Positions per task. Gradients of the weights are summed block by block, independent of the number of threads."""

Mu = arguments(
    "batch length channels groups source_batch block threads",
    floats="eps",
    rows="a c",
    pointers="source weight_a bias_a weight_c bias_c alpha y stats",
)
MuGradients = arguments(rows="dy", pointers="dread da dc dweights dalpha")


def forward(operands: Operands) -> tuple[Tensor, Tensor]:
    """Return the product, and the statistics (batch, length, 4) of both norms."""
    y, stats = operands.outputs()
    call("mu_layer", "mu_forward", _mu(operands, stats=stats, y=y))
    return y, stats


def backward(operands: Operands, stats: Tensor, dy: Tensor) -> Gradients:
    batch, length, channels = operands.a.shape
    tasks = batch * -(-length // BLOCK)
    da, dc = (dy.new_empty(dy.shape) for _ in range(2))
    dread = dy.new_empty(0 if operands.source is None else dy.shape)
    dweights, dalpha = dy.new_empty(tasks, 4, channels), dy.new_empty(tasks, call("mu_layer", "mu_lanes"))
    gradients = MuGradients(dy=dy, dread=dread, da=da, dc=dc, dweights=dweights, dalpha=dalpha)
    call("mu_layer", "mu_backward", _mu(operands, stats=stats), gradients)
    return da, dc, *(part.sum(0) for part in dweights.unbind(1)), dalpha.sum()


def _mu(operands: Operands, **others: Tensor) -> Arguments:
    (batch, length, channels), source = operands.a.shape, operands.source
    groups = 1 if source is None else source.shape[2]
    stride = 0 if source is None or len(source) == 1 else length * groups
    sizes = {"batch": batch, "length": length, "channels": channels, "groups": groups, "source_batch": stride}
    return Mu(**sizes, block=BLOCK, **operands._asdict(), **others)
