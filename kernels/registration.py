"""Registers operations with torch: dispatch to their paths, gradients, shapes without data, vmap, and FLOP counts."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from itertools import zip_longest
from types import ModuleType
from typing import Any, NamedTuple, Protocol, get_type_hints

import torch
from torch import Tensor
from torch.utils.flop_counter import register_flop_formula

from .members import map_members
from .paths import Path, note, path, runs_triton

Gradients = tuple[Tensor | None, ...]
"""The gradients of the tensors among the operands, in their order; those that need none may be missing at the end."""

Implementation = tuple[ModuleType, ModuleType]
"""A module with ``forward(operands)``, which returns the outputs, and one with ``backward``, which returns `Gradients`.

``backward`` takes the operands, the kept outputs, and the gradients of the returned outputs.
"""

_SCHEMA = {Tensor: "Tensor", Tensor | None: "Tensor?", int: "SymInt", bool: "bool", float: "float", str: "str"}


class KernelCost(NamedTuple):
    """Floating-point operations, and bytes moved to and from memory."""

    flops: int
    bytes: int


class Operands(Protocol):
    """A named tuple of the arguments of an operation: first the tensors, then the options."""

    def check(self) -> None:
        """Raise ValueError if the operands do not fit each other."""
        ...

    def outputs(self) -> tuple[Tensor, ...]:
        """Return uninitialized tensors with the shapes and dtypes of the outputs."""
        ...

    def cost(self, *, backward: bool) -> KernelCost: ...


def register(
    name: str,
    operands: Any,
    implementation: Callable[[Path], Implementation],
    *,
    returns: tuple[str, ...] = ("y",),
    keeps: tuple[str, ...] = (),
    replaces: str | None = None,
    members: Mapping[str, int] | None = None,
) -> Callable[..., Any]:
    """Register ``archarena::NAME`` and ``archarena::NAME_backward`` with torch; return the forward operation.

    Parameters
    ----------
    name
        Name of the operation, as in `paths.PATHS`.
    operands
        A class like `Operands`; its annotations give the arguments of the operation.
    implementation
        Returns the modules of a path, which it imports only then.
    returns
        Names of the differentiable outputs.
    keeps
        Names of the further outputs, kept for the backward pass.
    replaces
        An operand that the backward pass does not need: it gets the first output in its place.
    members
        The axis of each tensor operand and of each output along which independent problems can be put next to each
        other, so that `torch.vmap` needs one call for all. While an operand without such an axis is used, it calls
        the operation once per index instead.
    """
    fields, hints = operands._fields, get_type_hints(operands)
    arguments = ", ".join(f"{_SCHEMA[hints[field]]} {field}" for field in fields)
    tensors = sum(hints[field] in (Tensor, Tensor | None) for field in fields)

    load = functools.cache(implementation)

    def modules(given: Any) -> Implementation:
        taken = path(name, given[0])
        note(name, taken)
        return load(taken)

    outputs = ", ".join(f"Tensor {output}" for output in (*returns, *keeps))

    @torch.library.custom_op(f"archarena::{name}", mutates_args=(), schema=f"({arguments}) -> ({outputs})")
    def forward(*arguments: Any) -> Any:
        given = operands(*arguments)
        given.check()
        return modules(given)[0].forward(given)

    @forward.register_fake
    def _(*arguments: Any) -> Any:
        made = operands(*arguments).outputs()
        return made if len(made) > 1 else made[0]

    before = [f"Tensor {output}" for output in keeps] + [f"Tensor? d{output}" for output in returns]
    before[len(keeps)] = f"Tensor d{returns[0]}"
    count = len(before)

    @torch.library.custom_op(
        f"archarena::{name}_backward", mutates_args=(), schema=f"({', '.join(before)}, {arguments}) -> Tensor[]"
    )
    def backward(*arguments: Any) -> list[Tensor]:
        given = operands(*arguments[count:])
        found = zip_longest(given[:tensors], modules(given)[1].backward(given, *arguments[:count]))
        return [gradient.contiguous() if _differentiable(x) else given[0].new_empty(0) for x, gradient in found]

    @backward.register_fake
    def _(*arguments: Any) -> list[Tensor]:
        given = arguments[count : count + tensors]
        return [x.new_empty(x.shape) if _differentiable(x) else given[0].new_empty(0) for x in given]

    def remember(ctx: Any, inputs: tuple[Any, ...], output: Any) -> None:
        made = output if isinstance(output, tuple) else (output,)
        saved = [made[0] if field == replaces else x for field, x in zip(fields, inputs[:tensors], strict=False)]
        ctx.options = inputs[tensors:]
        ctx.set_materialize_grads(False)
        ctx.mark_non_differentiable(*made[len(returns) :])
        ctx.save_for_backward(*made[len(returns) :], *saved)

    def differentiate(ctx: Any, *gradients: Tensor | None) -> tuple[Tensor | None, ...]:
        first, *others = gradients[: len(returns)]
        kept, given = ctx.saved_tensors[: len(keeps)], (*ctx.saved_tensors[len(keeps) :], *ctx.options)
        if first is None:
            if not any(x is not None for x in others):
                return (None,) * len(fields)
            first = torch.zeros_like(operands(*given).outputs()[0])
        found = backward(*kept, first, *others, *given)
        pairs = zip(given[:tensors], found, strict=True)
        return *(gradient if _differentiable(x) else None for x, gradient in pairs), *(None for _ in ctx.options)

    forward.register_autograd(differentiate, setup_context=remember)
    given_axes, kept_axes, returned_axes = (
        [(members or {}).get(each) for each in names] for names in (fields[:tensors], keeps, returns)
    )
    forward.register_vmap(map_members(forward, given_axes, [*returned_axes, *kept_axes]))
    backward.register_vmap(map_members(backward, [*kept_axes, *returned_axes, *given_axes], given_axes))
    packets = torch.ops.archarena
    register_flop_formula(getattr(packets, name), get_raw=True)(
        lambda *given, **_: operands(*given).cost(backward=False).flops
    )
    register_flop_formula(getattr(packets, f"{name}_backward"), get_raw=True)(
        lambda *given, **_: operands(*given[count:]).cost(backward=True).flops
    )
    return forward


def check(first: Tensor, expected: Mapping[str, tuple[Tensor | None, tuple[int, ...]]]) -> None:
    """Raise ValueError unless each tensor, by name, is None or has its shape and the dtype and device of `first`.

    Dtypes may differ if a Triton kernel runs, which converts each tensor as it loads it.
    """
    if not first.numel():
        raise ValueError(f"the input is empty: it has shape {tuple(first.shape)}")
    for name, (x, shape) in expected.items():
        if x is None:
            continue
        if tuple(x.shape) != shape:
            raise ValueError(f"{name} has shape {tuple(x.shape)}; the other operands require {shape}")
        if x.device != first.device or (x.dtype != first.dtype and not runs_triton(first)):
            raise ValueError(f"{name} is {x.dtype} on {x.device}; the input is {first.dtype} on {first.device}")


def _differentiable(x: Any) -> bool:
    return x is not None and (x.is_floating_point() or x.is_complex())
