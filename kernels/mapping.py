"""The rule of `torch.vmap` for operations whose work is large enough to be done one map index at a time."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch


def one_at_a_time(operation: Callable[..., Any]) -> Callable[..., tuple[Any, Any]]:
    """Return a rule that calls `operation` for every index of the mapped axis and stacks what it returns."""

    def rule(info: Any, in_dims: tuple[int | None, ...], *inputs: Any) -> tuple[Any, Any]:
        def at(index: int) -> Any:
            mapped = zip(inputs, in_dims, strict=True)
            return operation(*(x if dim is None else x.select(dim, index) for x, dim in mapped))

        results = [at(index) for index in range(info.batch_size)]
        if isinstance(results[0], torch.Tensor):
            return torch.stack(results), 0
        stacked = tuple(map(torch.stack, zip(*results, strict=True)))
        return stacked, (0,) * len(stacked)

    return rule
