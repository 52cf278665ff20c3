"""The public selective scan, and its registration with torch: gradients, shapes, vmap and the FLOP counter."""

from __future__ import annotations

from typing import Any, Literal, overload

import torch
from torch import Tensor
from torch.utils.flop_counter import register_flop_formula

from ..mapping import one_at_a_time
from .cost import cost
from .dispatch import checkpoint_shape, run_backward, run_forward
from .operands import Gradients, Operands

ARGUMENTS = (
    "Tensor u, Tensor delta, Tensor A, Tensor B, Tensor C, Tensor? D, Tensor? z, Tensor? delta_bias, "
    "Tensor? initial_state, bool delta_softplus"
)


@overload
def selective_scan(
    u: Tensor,
    delta: Tensor,
    A: Tensor,
    B: Tensor,
    C: Tensor,
    D: Tensor | None = None,
    z: Tensor | None = None,
    delta_bias: Tensor | None = None,
    *,
    delta_softplus: bool = False,
    initial_state: Tensor | None = None,
    return_final_state: Literal[False] = False,
) -> Tensor: ...
@overload
def selective_scan(
    u: Tensor,
    delta: Tensor,
    A: Tensor,
    B: Tensor,
    C: Tensor,
    D: Tensor | None = None,
    z: Tensor | None = None,
    delta_bias: Tensor | None = None,
    *,
    delta_softplus: bool = False,
    initial_state: Tensor | None = None,
    return_final_state: Literal[True],
) -> tuple[Tensor, Tensor]: ...
def selective_scan(
    u: Tensor,
    delta: Tensor,
    A: Tensor,
    B: Tensor,
    C: Tensor,
    D: Tensor | None = None,
    z: Tensor | None = None,
    delta_bias: Tensor | None = None,
    *,
    delta_softplus: bool = False,
    initial_state: Tensor | None = None,
    return_final_state: bool = False,
) -> Tensor | tuple[Tensor, Tensor]:
    """Run the selective state-space recurrence of Mamba (Gu and Dao, 2023, algorithm 2) over time.

    For each channel, with steps ``s = delta + delta_bias``, through a softplus where `delta_softplus` is set,
    ``h[t] = exp(s[t] A) h[t-1] + s[t] u[t] B[t]`` and ``y[t] = (<h[t], C[t]> + D u[t]) silu(z[t])``.

    Parameters
    ----------
    u, delta, z
        (batch, length, channels) input, step size, and output gate.
    A
        (channels, states), real; negative where the state is to decay.
    B, C
        (batch, length, states), shared by the channels.
    D, delta_bias
        (channels,) weight of the skip, and bias of the step size.
    initial_state
        (batch, channels, states), zeros where None.

    Returns
    -------
    Tensor or (Tensor, Tensor)
        (batch, length, channels) in the dtype of `u`; with `return_final_state` also the last state
        (batch, channels, states) in the dtype computed in: float64 where `u` is float64, else float32.

    Raises
    ------
    ValueError
        Where shapes or devices do not go together.

    Notes
    -----
    Differentiable once, in all tensors. On the CPU float32 runs in C where a compiler is found, see `path`.
    """
    precision = torch.float64 if u.dtype == torch.float64 else torch.float32
    tensors = (u, delta, A, B, C, D, z, delta_bias, initial_state)
    y, final, _ = scan(*(None if x is None else x.to(precision) for x in tensors), delta_softplus)
    y = y.to(u.dtype)
    return (y, final) if return_final_state else y


@torch.library.custom_op(
    "archarena::selective_scan",
    mutates_args=(),
    schema=f"({ARGUMENTS}) -> (Tensor y, Tensor final, Tensor checkpoints)",
)
def scan(*arguments: Any) -> tuple[Tensor, Tensor, Tensor]:
    operands = Operands(*arguments)
    operands.check()
    return run_forward(operands)


@torch.library.custom_op(
    "archarena::selective_scan_backward",
    mutates_args=(),
    schema=f"(Tensor checkpoints, Tensor dy, Tensor? dfinal, {ARGUMENTS}) -> Tensor[]",
)
def scan_backward(checkpoints: Tensor, dy: Tensor, dfinal: Tensor | None, *arguments: Any) -> list[Tensor]:
    gradients = run_backward(Operands(*arguments), checkpoints, dy, dfinal)
    return [dy.new_empty(0) if x is None else x.contiguous() for x in gradients]


@scan.register_fake
def _(*arguments: Any) -> tuple[Tensor, Tensor, Tensor]:
    operands = Operands(*arguments)
    u = operands.u
    return u.new_empty(u.shape), u.new_empty(operands.state_shape), u.new_empty(checkpoint_shape(operands))


@scan_backward.register_fake
def _(checkpoints: Tensor, dy: Tensor, dfinal: Tensor | None, *arguments: Any) -> list[Tensor]:
    tensors = arguments[: len(Gradients._fields)]
    return [dy.new_empty(0 if x is None else x.shape) for x in tensors]


def _remember(ctx: Any, inputs: tuple[Any, ...], output: tuple[Tensor, ...]) -> None:
    *tensors, ctx.delta_softplus = inputs
    ctx.set_materialize_grads(False)
    ctx.mark_non_differentiable(output[2])
    ctx.save_for_backward(output[2], *tensors)


def _differentiate(ctx: Any, dy: Tensor | None, dfinal: Tensor | None, _: None) -> tuple[Tensor | None, ...]:
    checkpoints, *tensors = ctx.saved_tensors
    dy = torch.zeros_like(tensors[0]) if dy is None else dy
    gradients = scan_backward(checkpoints, dy, dfinal, *tensors, ctx.delta_softplus)
    return *(None if x is None else gradient for x, gradient in zip(tensors, gradients, strict=True)), None


scan.register_autograd(_differentiate, setup_context=_remember)
scan.register_vmap(one_at_a_time(scan))
scan_backward.register_vmap(one_at_a_time(scan_backward))


@register_flop_formula(torch.ops.archarena.selective_scan)
def _(u: Any, delta: Any, A: Any, B: Any, C: Any, D: Any, z: Any, *rest: Any, **_: Any) -> int:
    return cost(*u, states=A[1], gate=z is not None).flops


@register_flop_formula(torch.ops.archarena.selective_scan_backward)
def _(
    checkpoints: Any,
    dy: Any,
    dfinal: Any,
    u: Any,
    delta: Any,
    A: Any,
    B: Any,
    C: Any,
    D: Any,
    z: Any,
    *rest: Any,
    **_: Any,
) -> int:
    return cost(*u, states=A[1], gate=z is not None, backward=True).flops
