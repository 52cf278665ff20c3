"""Entries times twice the sigmoid of their scores, and the registration with torch of the kernels on a GPU.

Where a gate has no context its scores are one row for the whole batch: torch then runs the sigmoid on that row alone,
and what is left is one product. With scores a row it makes three passes, which a GPU's kernel makes in one.
"""

from __future__ import annotations

from typing import Any, Literal

import torch
from torch import Tensor
from torch.utils.flop_counter import register_flop_formula

from ..checking import check
from ..mapping import one_at_a_time
from ..paths import note
from ..triton_support import usable
from .cost import cost


def feature_gate(entries: Tensor, scores: Tensor) -> Tensor:
    """Return ``2 sigmoid(scores) * entries`` (Mao et al., AAAI 2023, arXiv:2304.00902, equation 4).

    Parameters
    ----------
    entries
        (batch, n).
    scores
        (batch, n), or (1, n) where the gate is the same for every row.

    Returns
    -------
    Tensor
        (batch, n) in the wider dtype of the two.

    Raises
    ------
    ValueError
        For scores of another shape.

    Notes
    -----
    Differentiable once where Triton runs, see `path`; elsewhere as often as torch is.
    """
    if scores.shape not in (entries.shape, (1, *entries.shape[1:])):
        raise ValueError(
            f"scores have shape {tuple(scores.shape)}, where (1 or {len(entries)}, {entries.shape[1]}) fits"
        )
    taken = path(entries, scores)
    note("feature_gate", taken)
    return gate(entries, scores) if taken == "triton" else 2.0 * torch.sigmoid(scores) * entries


def path(entries: Tensor, scores: Tensor) -> Literal["triton", "torch"]:
    """Return the path that a gate takes.

    "triton"
        On a GPU, float64 aside: half precision is read and written as it is.
    "torch"
        Else: element-wise operations of torch.
    """
    return "triton" if usable(entries) and usable(scores) else "torch"


@torch.library.custom_op("archarena::feature_gate", mutates_args=())
def gate(entries: Tensor, scores: Tensor) -> Tensor:
    from . import on_gpu  # Triton is imported only where it is used

    check(entries, {"scores": (scores, (len(scores), *entries.shape[1:]))})
    return on_gpu.forward(entries, scores)


@torch.library.custom_op("archarena::feature_gate_backward", mutates_args=())
def gate_backward(dy: Tensor, entries: Tensor, scores: Tensor) -> tuple[Tensor, Tensor]:
    from . import on_gpu

    return on_gpu.backward(dy, entries, scores)


@gate.register_fake
def _(entries: Tensor, scores: Tensor) -> Tensor:
    return entries.new_empty(entries.shape, dtype=torch.promote_types(entries.dtype, scores.dtype))


@gate_backward.register_fake
def _(dy: Tensor, entries: Tensor, scores: Tensor) -> tuple[Tensor, Tensor]:
    return entries.new_empty(entries.shape), scores.new_empty(scores.shape)


def _remember(ctx: Any, inputs: tuple[Tensor, Tensor], output: Tensor) -> None:
    ctx.save_for_backward(*inputs)


def _differentiate(ctx: Any, dy: Tensor) -> tuple[Tensor, Tensor]:
    return gate_backward(dy, *ctx.saved_tensors)


gate.register_autograd(_differentiate, setup_context=_remember)
gate.register_vmap(one_at_a_time(gate))
gate_backward.register_vmap(one_at_a_time(gate_backward))


@register_flop_formula(torch.ops.archarena.feature_gate)
def _(entries: Any, scores: Any, **_: Any) -> int:
    return cost(*entries, rows=scores[0]).flops


@register_flop_formula(torch.ops.archarena.feature_gate_backward)
def _(dy: Any, entries: Any, scores: Any, **_: Any) -> int:
    return cost(*entries, rows=scores[0], backward=True).flops
