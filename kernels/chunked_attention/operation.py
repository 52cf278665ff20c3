"""The public attention in chunks, its operands and its paths.

In torch the sequence is folded: torch's attention and matrix products are then as fast as possible, and have their own
gradients, vmap, autocast, `torch.compile` and FLOP counts. Triton runs the weightings that torch has no kernel for.
"""

from __future__ import annotations

from typing import Literal, NamedTuple, get_args

from torch import Tensor

from ..paths import Path, note, path
from ..registration import Implementation, KernelCost, check, register

Weighting = Literal["softmax", "laplace", "relu2"]


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

    With s the products ``q k^T`` of a chunk, the weights are ``softmax(s / sqrt(shared) + bias)`` for "softmax"; for
    "laplace" and "relu2", they are that function of ``s / n + bias``, where n is the number of keys that a query sees
    (Ma et al., 2023, arXiv:2209.10655).

    Parameters
    ----------
    q, k
        (batch, length, shared).
    v
        (batch, length, value).
    bias
        (chunk, chunk) or larger, added to the scores, queries first. A shorter sequence uses its top left corner.
    chunk
        Positions per chunk; the last chunk may be shorter.
    causal
        Whether keys after the query are hidden.
    valid
        (batch, length) booleans, false for keys that no query may see; by default all are visible.

    Returns
    -------
    Tensor
        (batch, length, value). The result of a query that sees no key is finite but undefined. Differentiable once in
        Triton; any number of times in torch.

    Raises
    ------
    ValueError
        If the weighting is unknown, the chunk is below one, or the bias is too small.
    """
    size = min(chunk, q.shape[1])
    if weighting not in get_args(Weighting):
        raise ValueError(f"unknown weighting {weighting!r}; expected one of {', '.join(get_args(Weighting))}")
    if size < 1 or (bias is not None and min(bias.shape) < size):
        found = None if bias is None else tuple(bias.shape)
        raise ValueError(f"chunks of {size} positions need at least one, and a bias of their size: found {found}")
    corner = None if bias is None else bias[:size, :size]
    operands = Operands(q, k, v, corner, valid, size, causal, weighting)
    if weighting != "softmax" and path("chunked_attention", q) == "triton":
        return attend(*operands)
    from . import torch_form

    note("chunked_attention", "torch")
    return torch_form.forward(operands)


def cost(
    batch: int,
    length: int,
    shared: int,
    value: int,
    chunk: int,
    *,
    causal: bool = False,
    backward: bool = False,
    itemsize: int = 4,
) -> KernelCost:
    """Return the cost of one forward pass, or of one backward pass that recomputes the weights.

    Counts two floating-point operations per product in the matrix products, and nothing else, over the visible pairs of
    query and key. Every input is read once and every output written once; the bias is not counted.
    """
    size = min(chunk, length)
    pairs = batch * length * (size + 1) // 2 if causal else batch * length * size
    products = (3 * shared + 2 * value) if backward else (shared + value)
    wide = batch * length * (2 * shared + 2 * value)
    return KernelCost(2 * pairs * products, wide * (2 if backward else 1) * itemsize)


class Operands(NamedTuple):
    """The arguments of `chunked_attention`; chunks are no longer than the sequence, and the bias has their size."""

    q: Tensor
    k: Tensor
    v: Tensor
    bias: Tensor | None
    valid: Tensor | None
    size: int
    causal: bool
    weighting: str

    def check(self) -> None:
        positions = tuple(self.q.shape[:2])
        expected = {
            "k": (self.k, tuple(self.q.shape)),
            "v": (self.v, (*positions, self.v.shape[2])),
            "bias": (self.bias, (self.size, self.size)),
            "valid": (self.valid, positions),
        }
        check(self.q, expected)

    def outputs(self) -> tuple[Tensor]:
        return (self.v.new_empty(self.v.shape),)

    def cost(self, *, backward: bool) -> KernelCost:
        """Count all pairs of a chunk, as torch's counter does on the other path."""
        batch, length, shared = self.q.shape
        return cost(batch, length, shared, self.v.shape[2], self.size, backward=backward)


def _implementation(taken: Path) -> Implementation:
    from . import triton_backward, triton_forward

    return triton_forward, triton_backward


attend = register(
    "chunked_attention", Operands, _implementation, members=dict.fromkeys(("q", "k", "v", "valid", "y"), 0)
)
