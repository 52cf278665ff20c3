"""What attention in chunks is given, gathered under one name."""

from __future__ import annotations

from typing import NamedTuple

from torch import Tensor

from ..checking import check
from .weighting import Weighting


class Operands(NamedTuple):
    """The arguments of `chunked_attention`: chunks no longer than the sequence, and a bias of their size."""

    q: Tensor
    k: Tensor
    v: Tensor
    bias: Tensor | None
    valid: Tensor | None
    size: int
    causal: bool
    weighting: Weighting

    def check(self) -> None:
        """Raise ValueError where shapes or devices do not go together."""
        positions = tuple(self.q.shape[:2])
        expected = {
            "k": (self.k, tuple(self.q.shape)),
            "v": (self.v, (*positions, self.v.shape[2])),
            "bias": (self.bias, (self.size, self.size)),
            "valid": (self.valid, positions),
        }
        check(self.q, expected)


class Gradients(NamedTuple):
    """The gradients of the differentiable tensors among `Operands`; None where there is no bias."""

    q: Tensor
    k: Tensor
    v: Tensor
    bias: Tensor | None
