"""The public attention in chunks, and the registration with torch of what a GPU does with each key alone.

Elsewhere the sequence is folded (`folded`), and torch's attention and matrix products are then at their floor, with
gradients, vmap, autocast, `torch.compile` and FLOP counts of their own.
"""

from __future__ import annotations

from typing import Any, Literal, get_args

import torch
from torch import Tensor
from torch.utils.flop_counter import register_flop_formula

from ..mapping import one_at_a_time
from ..paths import note
from ..triton_support import usable
from . import folded
from .cost import cost
from .operands import Operands
from .weighting import Weighting

ARGUMENTS = "Tensor q, Tensor k, Tensor v, Tensor? bias, Tensor? valid, SymInt size, bool causal, str weighting"


def chunked_attention(
    q: Tensor,
    k: Tensor,
    v: Tensor,
    bias: Tensor | None = None,
    *,
    chunk: int,
    causal: bool,
    weighting: Weighting = "softmax",
    valid: Tensor | None = None,
) -> Tensor:
    """Let each position attend to the keys of its own chunk.

    With s the products ``q k^T`` of a chunk: "softmax" weighs by ``softmax(s / sqrt(shared) + bias)``, "laplace" and
    "relu2" by that function of ``s / n + bias``, with n the keys that a query sees (Ma et al., 2023, arXiv:2209.10655).

    Parameters
    ----------
    q, k
        (batch, length, shared).
    v
        (batch, length, value).
    bias
        (chunk, chunk), or larger: added to the scores, queries first. A length below `chunk` uses its first corner.
    chunk
        Positions that attend to each other; the last chunk may be shorter.
    causal
        Whether keys after the query are hidden.
    valid
        (batch, length) booleans, false for keys that nobody may see; None where all may be seen.

    Returns
    -------
    Tensor
        (batch, length, value). What a query that sees no key returns is finite, and means nothing.

    Raises
    ------
    ValueError
        For an unknown weighting, a chunk below one, or a bias that is too small.

    Notes
    -----
    Differentiable once where Triton runs, see `path`; elsewhere as often as torch is.
    """
    size = min(chunk, q.shape[1])
    if weighting not in get_args(Weighting):
        raise ValueError(f"unknown weighting {weighting!r}; there are {', '.join(get_args(Weighting))}")
    if size < 1 or (bias is not None and min(bias.shape) < size):
        found = None if bias is None else tuple(bias.shape)
        raise ValueError(f"chunks of {size} positions need at least one, and a bias of their size: found {found}")
    corner = None if bias is None else bias[:size, :size]
    operands = Operands(q, k, v, corner, valid, size, causal, weighting)
    taken = path(q, weighting)
    note("chunked_attention", taken)
    return attend(*operands) if taken == "triton" else folded.attend(operands)


def path(q: Tensor, weighting: Weighting = "softmax") -> Literal["triton", "torch"]:
    """Return the path that attention with queries `q` takes.

    "triton"
        "laplace" and "relu2" on a GPU, float64 aside: weights are never written, half precision is read as it is.
    "torch"
        Else: torch's own attention for "softmax", its matrix products for the others.
    """
    return "triton" if weighting != "softmax" and usable(q) else "torch"


@torch.library.custom_op("archarena::chunked_attention", mutates_args=(), schema=f"({ARGUMENTS}) -> Tensor")
def attend(*arguments: Any) -> Tensor:
    from . import on_gpu  # Triton is imported only where it is used

    operands = Operands(*arguments)
    operands.check()
    return on_gpu.forward(operands)


@torch.library.custom_op(
    "archarena::chunked_attention_backward", mutates_args=(), schema=f"(Tensor dy, {ARGUMENTS}) -> Tensor[]"
)
def attend_backward(dy: Tensor, *arguments: Any) -> list[Tensor]:
    from . import on_gpu

    return [dy.new_empty(0) if x is None else x for x in on_gpu.backward(Operands(*arguments), dy)]


@attend.register_fake
def _(q: Tensor, k: Tensor, v: Tensor, *rest: Any) -> Tensor:
    return v.new_empty(v.shape)


@attend_backward.register_fake
def _(dy: Tensor, *arguments: Any) -> list[Tensor]:
    return [dy.new_empty(0) if x is None else x.new_empty(x.shape) for x in arguments[:4]]


def _remember(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
    *tensors, size, causal, weighting = inputs
    ctx.options = (size, causal, weighting)
    ctx.save_for_backward(*tensors)


def _differentiate(ctx: Any, dy: Tensor) -> tuple[Tensor | None, ...]:
    *found, dbias = attend_backward(dy, *ctx.saved_tensors, *ctx.options)
    return *found, None if ctx.saved_tensors[3] is None else dbias, None, None, None, None


attend.register_autograd(_differentiate, setup_context=_remember)
attend.register_vmap(one_at_a_time(attend))
attend_backward.register_vmap(one_at_a_time(attend_backward))


def _flops(q: Any, v: Any, size: int, backward: bool) -> int:
    """Count all pairs of a chunk, as torch's counter does on the other path."""
    return cost(q[0], q[1], q[2], v[2], size, backward=backward).flops


@register_flop_formula(torch.ops.archarena.chunked_attention)
def _(q: Any, k: Any, v: Any, bias: Any, valid: Any, size: int, *rest: Any, **_: Any) -> int:
    return _flops(q, v, size, False)


@register_flop_formula(torch.ops.archarena.chunked_attention_backward)
def _(dy: Any, q: Any, k: Any, v: Any, bias: Any, valid: Any, size: int, *rest: Any, **_: Any) -> int:
    return _flops(q, v, size, True)
