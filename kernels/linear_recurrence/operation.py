"""The public linear recurrence, and its registration with torch: gradients, shapes, vmap and the FLOP counter."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.utils.flop_counter import register_flop_formula

from ..checking import check
from ..mapping import one_at_a_time
from ..precision import stored
from .cost import cost
from .dispatch import run_backward, run_forward


def linear_recurrence(a: Tensor, b: Tensor, initial_state: Tensor | None = None, *, reverse: bool = False) -> Tensor:
    """Return all states of ``h[t] = a[t] h[t-1] + b[t]``, each channel by itself.

    Parameters
    ----------
    a, b
        Decays and inputs (batch, length, channels), real or complex; where one is complex, so is the result.
    initial_state
        (batch, channels), the state before the first step; zeros by default.
    reverse
        Whether time runs from the last position to the first, ``h[t] = a[t] h[t+1] + b[t]``; the initial state then
        lies after the last position.

    Returns
    -------
    Tensor
        (batch, length, channels) in the dtype that `a` and `b` promote to. Half precision is computed in float32.

    Raises
    ------
    ValueError
        Where shapes or devices do not go together.

    Notes
    -----
    Differentiable once, in all tensors.
    """
    returned = torch.promote_types(a.dtype, b.dtype)
    precision = stored(b.to(returned))
    tensors = (None if x is None else x.to(precision) for x in (a, b, initial_state))
    return recurrence(*tensors, reverse).to(returned)


@torch.library.custom_op(
    "archarena::linear_recurrence",
    mutates_args=(),
    schema="(Tensor a, Tensor b, Tensor? initial_state, bool reverse) -> Tensor",
)
def recurrence(a: Tensor, b: Tensor, initial_state: Tensor | None, reverse: bool) -> Tensor:
    batch, _, channels = b.shape
    check(b, {"a": (a, tuple(b.shape)), "initial_state": (initial_state, (batch, channels))})
    return run_forward(a, b, initial_state, reverse)


@torch.library.custom_op(
    "archarena::linear_recurrence_backward",
    mutates_args=(),
    schema="(Tensor h, Tensor dh, Tensor a, Tensor? initial_state, bool reverse) -> Tensor[]",
)
def recurrence_backward(h: Tensor, dh: Tensor, a: Tensor, initial_state: Tensor | None, reverse: bool) -> list[Tensor]:
    gradients = run_backward(h, dh, a, initial_state, reverse)
    return [h.new_empty(0) if x is None else x.contiguous() for x in gradients]


@recurrence.register_fake
def _(a: Tensor, b: Tensor, initial_state: Tensor | None, reverse: bool) -> Tensor:
    return b.new_empty(b.shape)


@recurrence_backward.register_fake
def _(h: Tensor, dh: Tensor, a: Tensor, initial_state: Tensor | None, reverse: bool) -> list[Tensor]:
    return [
        h.new_empty(h.shape),
        h.new_empty(h.shape),
        h.new_empty(0 if initial_state is None else initial_state.shape),
    ]


def _remember(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
    a, _, initial_state, ctx.reverse = inputs
    ctx.save_for_backward(output, a, initial_state)


def _differentiate(ctx: Any, dh: Tensor) -> tuple[Tensor | None, ...]:
    h, a, initial_state = ctx.saved_tensors
    da, db, dinitial = recurrence_backward(h, dh, a, initial_state, ctx.reverse)
    return da, db, None if initial_state is None else dinitial, None


recurrence.register_autograd(_differentiate, setup_context=_remember)
recurrence.register_vmap(one_at_a_time(recurrence))
recurrence_backward.register_vmap(one_at_a_time(recurrence_backward))


@register_flop_formula(torch.ops.archarena.linear_recurrence, get_raw=True)
def _(a: Tensor, b: Tensor, *_: Any, **__: Any) -> int:
    return cost(*b.shape, complex_valued=b.is_complex()).flops


@register_flop_formula(torch.ops.archarena.linear_recurrence_backward, get_raw=True)
def _(h: Tensor, *_: Any, **__: Any) -> int:
    return cost(*h.shape, complex_valued=h.is_complex(), backward=True).flops
