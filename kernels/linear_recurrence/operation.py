"""The public linear recurrence, its operands and its paths."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from ..paths import Path
from ..precision import stored
from ..registration import Implementation, KernelCost, check, register


def linear_recurrence(a: Tensor, b: Tensor, initial_state: Tensor | None = None, *, reverse: bool = False) -> Tensor:
    """Return all states of ``h[t] = a[t] h[t-1] + b[t]``, each channel separately.

    Parameters
    ----------
    a, b
        Decays and inputs (batch, length, channels), real or complex; the result is complex if one of them is.
    initial_state
        (batch, channels), the state before the first step; zeros by default.
    reverse
        Whether time runs from the last position to the first, ``h[t] = a[t] h[t+1] + b[t]``; the initial state then
        comes after the last position.

    Returns
    -------
    Tensor
        (batch, length, channels) in the dtype that `a` and `b` promote to. Half precision is computed in float32.
        Differentiable once, in all tensors.

    Raises
    ------
    ValueError
        If shapes or devices do not match.
    """
    returned = torch.promote_types(a.dtype, b.dtype)
    precision = stored(b.to(returned))
    tensors = (None if x is None else x.to(precision) for x in (a, b, initial_state))
    return recurrence(*tensors, reverse).to(returned)


def cost(
    batch: int, length: int, channels: int, *, complex_valued: bool = False, backward: bool = False, itemsize: int = 4
) -> KernelCost:
    """Return the cost of one forward pass, or of one backward pass, which reads the states instead of the inputs.

    Every real addition and product counts as one operation; `itemsize` is the bytes per real number. The forward pass
    reads both inputs and writes the states; the backward pass reads decays, states and their gradients and writes two
    gradients.
    """
    cells = batch * length * channels
    multiply, add = (6, 2) if complex_valued else (1, 1)
    flops = 2 * multiply + add if backward else multiply + add
    arrays = 5 if backward else 3
    return KernelCost(cells * flops, cells * arrays * itemsize * (2 if complex_valued else 1))


class Operands(NamedTuple):
    """The arguments of `linear_recurrence`, of one dtype and device; in the backward pass `b` holds the states."""

    a: Tensor
    b: Tensor
    initial_state: Tensor | None
    reverse: bool

    def check(self) -> None:
        batch, _, channels = self.b.shape
        check(self.b, {"a": (self.a, tuple(self.b.shape)), "initial_state": (self.initial_state, (batch, channels))})

    def outputs(self) -> tuple[Tensor]:
        return (self.b.new_empty(self.b.shape),)

    def cost(self, *, backward: bool) -> KernelCost:
        return cost(*self.b.shape, complex_valued=self.b.is_complex(), backward=backward)


def _implementation(taken: Path) -> Implementation:
    if taken == "triton":
        from . import triton_backward, triton_forward

        return triton_forward, triton_backward
    from . import c, torch_form

    return (c, c) if taken == "c" else (torch_form, torch_form)


recurrence = register(
    "linear_recurrence",
    Operands,
    _implementation,
    replaces="b",
    members={"a": 0, "b": 0, "initial_state": 0, "y": 0},
)
