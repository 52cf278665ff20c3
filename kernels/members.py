"""Rules for `torch.vmap`: one call of an operation for all members of an ensemble, or one call per member."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

Axes = Sequence[int | None]
Rule = Callable[..., tuple[Any, Any]]


def map_members(operation: Callable[..., Any], inputs: Axes, outputs: Axes) -> Rule:
    """Return a rule for `torch.library.register_vmap`.

    Parameters
    ----------
    operation
        Takes tensors (or None), then options; returns a tensor, or a tuple or list of tensors.
    inputs, outputs
        The axis of each tensor along which independent problems can be put next to each other, or None if it has
        none. While a tensor without such an axis is given, or an output is needed for it, the rule calls `operation`
        once per member.
    """

    def rule(info: Any, in_dims: tuple[int | None, ...], *given: Any) -> tuple[Any, Any]:
        tensors = given[: len(inputs)]
        if any(axis is None for x, axis in zip(tensors, inputs, strict=True) if x is not None):
            return _one_at_a_time(operation, info.batch_size, in_dims, given)
        joined = [
            None if x is None else _join(x, dim, axis, info.batch_size)
            for x, dim, axis in zip(tensors, in_dims, inputs, strict=False)
        ]
        found = operation(*joined, *given[len(inputs) :])
        if isinstance(found, Tensor):
            return _split(found, outputs[0], info.batch_size), 0
        parts = [_split(x, axis, info.batch_size) for x, axis in zip(found, outputs, strict=True)]
        return _like(found, parts), _like(found, [0] * len(parts))

    return rule


def _join(x: Tensor, dim: int | None, axis: int | None, count: int) -> Tensor:
    """Return all members of `x` next to each other along `axis`; a tensor that is not mapped is repeated."""
    assert axis is not None
    members = x.expand(count, *x.shape) if dim is None else x.movedim(dim, 0)
    return members.movedim(0, axis).flatten(axis, axis + 1)


def _split(x: Tensor, axis: int | None, count: int) -> Tensor:
    """Undo `_join`, with the members along the first axis; an empty tensor, which stands for None, has no members."""
    if not x.numel():
        return x.new_empty(count, 0)
    assert axis is not None
    return x.unflatten(axis, (count, -1)).movedim(axis, 0)


def _one_at_a_time(
    operation: Callable[..., Any], count: int, in_dims: Sequence[int | None], given: Sequence[Any]
) -> tuple[Any, Any]:
    def at(index: int) -> Any:
        return operation(*(x if dim is None else x.select(dim, index) for x, dim in zip(given, in_dims, strict=True)))

    results = [at(index) for index in range(count)]
    if isinstance(results[0], Tensor):
        return torch.stack(results), 0
    stacked = [torch.stack(parts) for parts in zip(*results, strict=True)]
    return _like(results[0], stacked), _like(results[0], [0] * len(stacked))


def _like(found: Any, parts: list[Any]) -> Any:
    """Return the parts in a list if `found` is one, else in a tuple: torch compares the structures."""
    return parts if isinstance(found, list) else tuple(parts)
