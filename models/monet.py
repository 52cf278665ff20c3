"""MONet: a multilinear operator network, with no activation function anywhere."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ..harness.model import SequenceModel
from ..harness.registry import register_model
from .blocks.mu_layer import SHRINK, PolyBlock
from .blocks.padding import valid_positions, zero_padding


@register_model(
    "monet",
    paper="arXiv:2401.17992",
    summary="Multilinear operator network: products of two linear maps over shifted positions, no activation.",
    family="multilinear",
)
class MONet(SequenceModel):
    """Poly-Blocks over a sequence (Cheng et al. 2024), closed by a norm.

    Each block is two residual Mu-Layers; the first sees other positions because its channels are
    cut into groups, each of which is shifted. A block is a polynomial of degree 4 in its input,
    but for the norms, which divide by a standard deviation.

    What multiplies with what: one linear map of the shifted input with another, of low rank.

    The paper's network works on images, with four groups shifted by one pixel. For a sequence the
    groups are ours: the channels are cut into one group a distance, and the distances of block i
    are the multiples of a factor's i-th power. Where the task is causal all look back and the
    factor leaves no holes, so that `depth` blocks see every lag below ``(shifts + 1) ** depth``;
    else half look ahead, and the factor is as large as it takes to reach from end to end.
    Positions before the start or past the end count as zero, not as the edge's own value: past
    the end lies padding, which must change nothing. The final norm is ours as well.

    Parameters
    ----------
    shifts
        Distances a block in each direction that it may look; by default as many as cover the
        sequence, at most 7 (causal) or 3.
    expansion
        Hidden channels of the second Mu-Layer as a multiple of the width.
    """

    width_multiple = SHRINK

    def __init__(
        self, width: int, depth: int, causal: bool, length: int, *, shifts: int | None = None, expansion: int = 3
    ):
        super().__init__()
        self.steps = [
            [0, *distances, *(() if causal else (-d for d in distances))]
            for distances in shift_distances(length, depth, causal, shifts)
        ]
        self.blocks = nn.ModuleList(PolyBlock(width, expansion) for _ in range(depth))
        self.norm = nn.LayerNorm(width, eps=1e-6)

    def forward(self, x: Tensor, lengths: Tensor | None = None) -> Tensor:
        """Mix `x` (batch, length, width); see `SequenceModel.forward`."""
        valid = valid_positions(x, lengths)
        for block, steps in zip(self.blocks, self.steps, strict=True):
            x = block(x, lambda channels, steps=steps: shift_groups(zero_padding(channels, valid), steps))
        return self.norm(x)


def shift_distances(length: int, depth: int, causal: bool, shifts: int | None = None) -> list[list[int]]:
    """Return each block's distances, in positions.

    With s shifts and a factor f, block i has ``j * f**i`` for j = 1..s. The factor is s + 1, or,
    where the task is not causal, the least one from there on with which the blocks together reach
    over `length` positions.
    """
    most = 7 if causal else 3
    count = shifts or min(most, max(1, math.ceil(length ** (1 / depth)) - 1))
    factor = count + 1
    while not causal and depth > 1 and sum(count * factor**i for i in range(depth)) < length - 1:
        factor += 1
    return [[j * factor**i for j in range(1, count + 1)] for i in range(depth)]


def shift_groups(x: Tensor, steps: Sequence[int]) -> Tensor:
    """Return `x` (batch, length, channels) with its i-th group of channels moved by ``steps[i]``.

    A positive step brings earlier positions; what comes from outside is zero.
    """
    length, channels = x.shape[1:]
    bounds = [channels * index // len(steps) for index in range(len(steps) + 1)]
    groups = x.split([high - low for low, high in itertools.pairwise(bounds)], dim=-1)
    moves = [max(-length, min(length, step)) for step in steps]
    return torch.cat([F.pad(group, (0, 0, move, -move)) for group, move in zip(groups, moves, strict=True)], dim=-1)
