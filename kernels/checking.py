"""Shapes are checked before an address is handed to C."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor

from .triton_support import usable


def check(first: Tensor, expected: Mapping[str, tuple[Tensor | None, tuple[int, ...]]]) -> None:
    """Raise ValueError unless each tensor, by name, is None or has its shape and the dtype and device of `first`.

    A Triton kernel reads each tensor in its own dtype: where one runs, they may differ.
    """
    if not first.numel():
        raise ValueError(f"an empty input of shape {tuple(first.shape)} has nothing to run over")
    for name, (x, shape) in expected.items():
        if x is None:
            continue
        if tuple(x.shape) != shape:
            raise ValueError(f"{name} has shape {tuple(x.shape)}, where the other operands ask for {shape}")
        if x.device != first.device or (x.dtype != first.dtype and not usable(first)):
            raise ValueError(f"{name} is {x.dtype} on {x.device}, where the input is {first.dtype} on {first.device}")
