"""Which path the linear recurrence takes."""

from __future__ import annotations

from types import ModuleType
from typing import Literal

import torch
from torch import Tensor

from ..paths import note
from ..triton_support import usable
from . import blocked, fused

Path = Literal["triton", "c", "blocked"]


def path(b: Tensor) -> Path:
    """Return the path that a recurrence with inputs `b` takes.

    "triton"
        On a GPU, in any precision but double.
    "c"
        float32 or complex64 on the CPU, where a C compiler is found.
    "blocked"
        Else: plain torch, within all blocks of the sequence at once and then across them.
    """
    if usable(b):
        return "triton"
    single = b.dtype in (torch.float32, torch.complex64)
    return "c" if single and b.device.type == "cpu" and fused.available() else "blocked"


def run_forward(a: Tensor, b: Tensor, initial_state: Tensor | None, reverse: bool) -> Tensor:
    """Return all states, by the path that suits the operands."""
    return _module(b).forward(a, b, initial_state, reverse)


def run_backward(
    h: Tensor, dh: Tensor, a: Tensor, initial_state: Tensor | None, reverse: bool
) -> tuple[Tensor, Tensor, Tensor | None]:
    """Return the gradients of a, b and the initial state, by the path that suits them."""
    return _module(h).backward(h, dh, a, initial_state, reverse)


def _module(x: Tensor) -> ModuleType:
    taken = path(x)
    note("linear_recurrence", taken)
    if taken == "triton":
        from . import triton_walk

        return triton_walk
    return {"c": fused, "blocked": blocked}[taken]
