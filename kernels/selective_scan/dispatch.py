"""Which path the selective scan takes."""

from __future__ import annotations

import functools
import warnings
from collections.abc import Callable
from typing import Any, Literal

import torch
from torch import Tensor

from ..paths import note
from ..triton_support import usable
from . import chunked, fused
from .operands import Gradients, Operands

Path = Literal["triton", "c", "compiled", "loop"]

SHAPES = 64
"""How many different shapes may be compiled for in one process; beyond, torch would quietly stop compiling."""

_cannot_compile: list[str] = []
"""Why `torch.compile` failed here, once it has: it is not tried again."""


def path(u: Tensor, *, complex_states: bool = False) -> Path:
    """Return the path that a scan of `u` takes, over complex states where A is complex.

    "triton"
        On a GPU, in any precision but double.
    "c"
        float32 on the CPU, where a C compiler is found: one fused pass.
    "compiled"
        float32 elsewhere: torch compiles a chunk of steps, in some ten to twenty seconds at the first call, which
        any trial longer than a minute earns back several times over.
    "loop"
        float64, complex states, and wherever `torch.compile` is turned off or has failed: the same chunks, uncompiled.
    """
    if usable(u):
        return "triton"
    if u.dtype == torch.float32 and u.device.type == "cpu" and fused.available():
        return "c"
    can_compile = not (complex_states or torch._dynamo.config.disable or _cannot_compile)
    return "compiled" if u.dtype == torch.float32 and can_compile else "loop"


def checkpoint_shape(operands: Operands) -> tuple[int, int, int, int]:
    """Return the shape of the states that the forward pass keeps for the backward pass."""
    taken = _path(operands)
    if taken == "triton":
        from .triton_forward import chunk_of

        return operands.checkpoint_shape(chunk_of(operands))
    return operands.checkpoint_shape(fused.CHUNK if taken == "c" else chunked.CHUNK)


def run_forward(operands: Operands) -> tuple[Tensor, Tensor, Tensor]:
    """Return outputs, final state and checkpoints, by the path that suits the operands."""
    if _path(operands) == "triton":
        from . import triton_forward

        note("selective_scan", "triton")
        return triton_forward.forward(operands)
    return _run(operands, fused.forward, chunked.forward, chunked.forward_chunk)


def run_backward(operands: Operands, checkpoints: Tensor, dy: Tensor, dfinal: Tensor | None) -> Gradients:
    """Return the gradients of all operands, by the path that suits them."""
    if _path(operands) == "triton":
        from . import triton_backward

        note("selective_scan", "triton")
        return triton_backward.backward(operands, checkpoints, dy, dfinal)
    return _run(operands, fused.backward, chunked.backward, chunked.backward_chunk, checkpoints, dy, dfinal)


def _path(operands: Operands) -> Path:
    return path(operands.u, complex_states=operands.A.is_complex())


def _run(
    operands: Operands, in_c: Callable[..., Any], in_torch: Callable[..., Any], chunk: Callable[..., Any], *others: Any
) -> Any:
    taken, result = _path(operands), None
    if taken == "compiled":
        result = _try_compiled(in_torch, chunk, operands, *others)
        taken = "loop" if result is None else taken
    note("selective_scan", taken)
    if taken == "c":
        return in_c(operands, *others)
    return in_torch(operands, *others) if result is None else result


def _try_compiled(in_torch: Callable[..., Any], chunk: Callable[..., Any], *arguments: Any) -> Any:
    """Return the result, or None where a chunk cannot be compiled, which is told once and not tried again."""
    from torch._dynamo.exc import TorchDynamoException

    try:
        with torch._dynamo.config.patch(recompile_limit=SHAPES, fail_on_recompile_limit_hit=True):
            return in_torch(*arguments, run=_compiled(chunk))
    except TorchDynamoException as error:
        _cannot_compile.append(str(error))
        warnings.warn(f"selective_scan runs uncompiled, slower: {error}", RuntimeWarning, stacklevel=2)
        return None


@functools.cache
def _compiled(chunk: Callable[..., Any]) -> Callable[..., Any]:
    return torch.compile(chunk, fullgraph=True, dynamic=False)
