"""The public gate, its operands and its paths.

A gate without context has one row of scores for the whole batch: torch then runs the sigmoid on that row only, and one
product remains. With one row of scores per row of entries, torch needs three passes and the Triton kernel one.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from ..paths import Path, note, path
from ..registration import Implementation, KernelCost, check, register


def feature_gate(entries: Tensor, scores: Tensor) -> Tensor:
    """Return ``2 sigmoid(scores) * entries`` (Mao et al., AAAI 2023, arXiv:2304.00902, equation 4).

    Parameters
    ----------
    entries
        (batch, n).
    scores
        (batch, n), or (1, n) if the gate is the same for every row.

    Returns
    -------
    Tensor
        (batch, n) in the wider dtype of the two. Differentiable once in Triton; any number of times in torch.

    Raises
    ------
    ValueError
        If the scores have another shape.
    """
    if scores.shape not in (entries.shape, (1, *entries.shape[1:])):
        raise ValueError(f"scores have shape {tuple(scores.shape)}; expected (1 or {len(entries)}, {entries.shape[1]})")
    if path("feature_gate", entries, scores) == "triton":
        return gate(entries, scores)
    note("feature_gate", "torch")
    return in_torch(entries, scores)


def in_torch(entries: Tensor, scores: Tensor) -> Tensor:
    return 2.0 * torch.sigmoid(scores) * entries


def cost(batch: int, n: int, *, rows: int = 1, backward: bool = False, itemsize: int = 4) -> KernelCost:
    """Return the cost of one forward pass, or of one backward pass; `rows` of scores is 1 or `batch`.

    Every addition, product, division and exponential counts as one operation. The backward pass reads entries, scores
    and the gradient, and writes one gradient for each of entries and scores.
    """
    if backward:
        return KernelCost(2 * batch * n + 8 * rows * n, (3 * batch + 2 * rows) * n * itemsize)
    return KernelCost(batch * n + 5 * rows * n, (2 * batch + rows) * n * itemsize)


class Operands(NamedTuple):
    """The arguments of `feature_gate`, as its Triton kernels take them."""

    entries: Tensor
    scores: Tensor

    def check(self) -> None:
        check(self.entries, {"scores": (self.scores, (len(self.scores), *self.entries.shape[1:]))})

    def outputs(self) -> tuple[Tensor]:
        dtype = torch.promote_types(self.entries.dtype, self.scores.dtype)
        return (self.entries.new_empty(self.entries.shape, dtype=dtype),)

    def cost(self, *, backward: bool) -> KernelCost:
        return cost(*self.entries.shape, rows=len(self.scores), backward=backward)


def _implementation(taken: Path) -> Implementation:
    from . import triton_backward, triton_forward

    return triton_forward, triton_backward


gate = register("feature_gate", Operands, _implementation, members={"entries": 1, "scores": 1, "y": 1})
