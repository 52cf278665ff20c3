"""The rule of `torch.vmap` for operations whose work is large enough to be done one map index at a time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch


def one_at_a_time(operation: Callable[..., Sequence[torch.Tensor]]) -> Callable[..., tuple[Any, Any]]:
    """Return a rule that calls `operation` for every index of the mapped axis and stacks what it returns."""

    def rule(info: Any, in_dims: tuple[int | None, ...], *inputs: Any) -> tuple[Any, Any]:
        def at(index: int) -> Sequence[torch.Tensor]:
            return operation(
                *(x if dim is None else x.select(dim, index) for x, dim in zip(inputs, in_dims, strict=True))
            )

        stacked = tuple(map(torch.stack, zip(*map(at, range(info.batch_size)), strict=True)))
        return stacked, (0,) * len(stacked)

    return rule
