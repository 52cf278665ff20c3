"""The public linear recurrence, its operands and its paths."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from ..paths import Path
from ..precision import stored
from ..registration import Implementation, KernelCost, check, register
from .cost import cost


def linear_recurrence(a: Tensor, b: Tensor, initial_state: Tensor | None = None, *, reverse: bool = False) -> Tensor:
    """Return all states of ``h[t] = a[t] h[t-1] + b[t]``, each channel by itself.

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

    Raises
    ------
    ValueError
        If shapes or devices do not match.

    Notes
    -----
    Differentiable once, in all tensors.
    """
    returned = torch.promote_types(a.dtype, b.dtype)
    precision = stored(b.to(returned))
    tensors = (None if x is None else x.to(precision) for x in (a, b, initial_state))
    return recurrence(*tensors, reverse).to(returned)


class Operands(NamedTuple):
    """The arguments of `linear_recurrence`, of one dtype and device; in the backward pass `b` holds the states."""

    a: Tensor
    b: Tensor
    initial_state: Tensor | None
    reverse: bool

    def check(self) -> None:
        """Raise ValueError if shapes, dtypes or devices do not match."""
        batch, _, channels = self.b.shape
        check(self.b, {"a": (self.a, tuple(self.b.shape)), "initial_state": (self.initial_state, (batch, channels))})

    def outputs(self) -> tuple[Tensor]:
        """Return room for the states."""
        return (self.b.new_empty(self.b.shape),)

    def cost(self, *, backward: bool) -> KernelCost:
        return cost(*self.b.shape, complex_valued=self.b.is_complex(), backward=backward)


def _implementation(taken: Path) -> Implementation:
    if taken == "triton":
        from . import triton_backward, triton_forward

        return triton_forward, triton_backward
    from . import c, torch_form

    return (c, c) if taken == "c" else (torch_form, torch_form)


recurrence = register("linear_recurrence", Operands, _implementation, replaces="b")
