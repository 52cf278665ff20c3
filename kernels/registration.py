"""Registers a recurrence with torch: gradients, shapes without data, vmap and the FLOP counter, once for all."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

import torch
from torch import Tensor
from torch.utils.flop_counter import register_flop_formula

from .mapping import one_at_a_time
from .precision import accumulator


class Operands(Protocol):
    """A named tuple of the arguments: the tensors, of which the first gives y its shape, then the flags."""

    @property
    def state_shape(self) -> tuple[int, ...]: ...

    def check(self) -> None: ...


class Paths(Protocol):
    """The module that picks among the paths of an operation."""

    @staticmethod
    def run_forward(operands: Any) -> tuple[Tensor, Tensor, Tensor]:
        """Return outputs, final state, and the states kept for the backward pass."""
        ...

    @staticmethod
    def run_backward(operands: Any, checkpoints: Tensor, dy: Tensor, dfinal: Tensor | None) -> tuple[Any, ...]:
        """Return the gradient of every tensor among the operands; None where there is no such operand."""
        ...

    @staticmethod
    def checkpoint_shape(operands: Any) -> tuple[int, ...]: ...


def register_recurrence(
    name: str, arguments: str, gather: Callable[..., Operands], paths: Any, flops: Callable[[Any, bool], int]
) -> tuple[Any, Any]:
    """Return the forward operation ``archarena::name`` and its backward operation.

    Parameters
    ----------
    name
        Name of the operation.
    arguments
        Its arguments as torch's schemas are written, tensors first.
    gather
        Makes of the arguments one `Operands`.
    paths
        A module with the functions of `Paths`.
    flops
        Floating-point operations for operands, of the backward pass where the second argument is true.
    """
    tensors = arguments.count("Tensor")
    forward = _forward(name, arguments, gather, paths)
    backward = _backward(name, arguments, tensors, gather, paths)

    def remember(ctx: Any, inputs: tuple[Any, ...], output: tuple[Tensor, ...]) -> None:
        ctx.flags = inputs[tensors:]
        ctx.set_materialize_grads(False)
        ctx.mark_non_differentiable(output[2])
        ctx.save_for_backward(output[2], *inputs[:tensors])

    def differentiate(ctx: Any, dy: Tensor | None, dfinal: Tensor | None, _: None) -> tuple[Tensor | None, ...]:
        checkpoints, *given = ctx.saved_tensors
        dy = torch.zeros_like(given[0]) if dy is None else dy
        gradients = backward(checkpoints, dy, dfinal, *given, *ctx.flags)
        found = (None if x is None else gradient for x, gradient in zip(given, gradients, strict=True))
        return *found, *(None for _ in ctx.flags)

    forward.register_autograd(differentiate, setup_context=remember)
    packets = torch.ops.archarena
    register_flop_formula(getattr(packets, name), get_raw=True)(lambda *given, **_: flops(gather(*given), False))
    register_flop_formula(getattr(packets, f"{name}_backward"), get_raw=True)(
        lambda checkpoints, dy, dfinal, *given, **_: flops(gather(*given), True)
    )
    return forward, backward


def _forward(name: str, arguments: str, gather: Callable[..., Any], paths: Any) -> Any:
    schema = f"({arguments}) -> (Tensor y, Tensor final, Tensor checkpoints)"

    @torch.library.custom_op(f"archarena::{name}", mutates_args=(), schema=schema)
    def forward(*given: Any) -> tuple[Tensor, Tensor, Tensor]:
        operands = gather(*given)
        operands.check()
        return paths.run_forward(operands)

    @forward.register_fake
    def _(*given: Any) -> tuple[Tensor, Tensor, Tensor]:
        operands = gather(*given)
        first, dtypes = given[0], (x.dtype for x in given if isinstance(x, Tensor))
        final = first.new_empty(operands.state_shape, dtype=accumulator(*dtypes))
        checkpoints = first.new_empty(paths.checkpoint_shape(operands), dtype=accumulator(first.dtype))
        return first.new_empty(first.shape), final, checkpoints

    forward.register_vmap(one_at_a_time(forward))
    return forward


def _backward(name: str, arguments: str, tensors: int, gather: Callable[..., Any], paths: Any) -> Any:
    schema = f"(Tensor checkpoints, Tensor dy, Tensor? dfinal, {arguments}) -> Tensor[]"

    @torch.library.custom_op(f"archarena::{name}_backward", mutates_args=(), schema=schema)
    def backward(checkpoints: Tensor, dy: Tensor, dfinal: Tensor | None, *given: Any) -> list[Tensor]:
        gradients = paths.run_backward(gather(*given), checkpoints, dy, dfinal)
        return [dy.new_empty(0) if x is None else x.contiguous() for x in gradients]

    @backward.register_fake
    def _(checkpoints: Tensor, dy: Tensor, dfinal: Tensor | None, *given: Any) -> list[Tensor]:
        return [checkpoints.new_empty(0) if x is None else x.new_empty(x.shape) for x in given[:tensors]]

    backward.register_vmap(one_at_a_time(backward))
    return backward
