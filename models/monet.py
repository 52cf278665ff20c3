"""MONet: a multilinear operator network without activation functions."""

from __future__ import annotations

from itertools import count

import torch
from torch import Tensor, nn

from ..harness import SequenceModel, State, register_model
from .blocks.mu_layer import PolyBlock
from .blocks.padding import valid_positions
from .monet_image import ImageMONet


@register_model(
    "monet",
    paper="arXiv:2401.17992",
    summary="Multilinear network: element-wise products of linear maps and token shifts, no activation function.",
    family="multilinear",
)
class MONet(SequenceModel):
    """Poly-Blocks of Mu-Layers (Cheng et al., ICLR 2024), with the spatial shift on one axis.

    Products: in each Mu-Layer, two linear maps of the shifted token, entry by entry, so a block has
    degree four in its input (not counting layer norms, which divide by a standard deviation).
    Nothing else is nonlinear.

    The paper's network is for images, with four groups of channels shifted from the four neighbors:
    `ImageMONet`. On a sequence, the groups are shifted from positions before and after, or only
    before if causal; this form is ours. If the source is outside the row, a position keeps its own
    value, as in the paper. A block covers only as many distances as it has groups, so at small width
    and great length no path covers some distances; see `shift_offsets`.

    Parameters
    ----------
    hidden
        Hidden channels of the second Mu-Layer of each block; three times the width by default. On
        images, this is the value for the first stage; the others scale in proportion.
    depths, widths
        Only on images: blocks and channels of each stage; see `ImageMONet` for the defaults.
    """

    width_multiple = 16
    slack = "hidden"
    image_form = ImageMONet

    bounds = {"hidden": (1, 2**20)}

    def __init__(self, width: int, depth: int, causal: bool, length: int, *, hidden: int | None = None):
        super().__init__()
        # Both factors of the first Mu-Layer are split into groups; the narrow one has width / 8 channels.
        self.factors = (width, width // 8)
        self.offsets = shift_offsets(length, depth, width // 8, causal)
        self.blocks = nn.ModuleList(PolyBlock(width, hidden or 3 * width) for _ in range(depth))

    def forward(self, x: Tensor, lengths: Tensor | None = None) -> Tensor:
        valid = valid_positions(x, lengths)
        for block, offsets in zip(self.blocks, self.offsets, strict=True):
            x = block(x, sources(x.shape[1], offsets, valid, x.device))
        return x

    def init_state(self, batch: int) -> State:
        """Return the state before the first position: empty factors."""
        device = next(self.parameters()).device
        nothing = tuple(torch.empty(batch, 0, channels, device=device) for channels in self.factors)
        return [nothing] * len(self.blocks)

    def step(self, x: Tensor, state: State) -> tuple[Tensor, State]:
        """Mix the next position `x` (batch, width); the state holds each block's factors before their shift."""
        remembered = []
        for block, offsets, past in zip(self.blocks, self.offsets, state, strict=True):
            assert isinstance(block, PolyBlock)
            x, seen = block.step(x, past, offsets)
            remembered.append(seen)
        return x, remembered


def sources(length: int, offsets: tuple[int, ...], valid: Tensor | None, device: torch.device) -> Tensor:
    """Return the source position of each group of channels; see `kernels.mu_layer.shifted`.

    Parameters
    ----------
    offsets
        One per group: the source of position t is t - offset, or t if that is outside the row.
    valid
        (batch, length), or None if all rows are full.

    Returns
    -------
    Tensor
        (batch or 1, length, groups) int32.
    """
    position = torch.arange(length, dtype=torch.int32, device=device)[:, None]
    # A tensor of offsets would force a host-to-GPU copy in every block.
    source = torch.cat([position - offset for offset in offsets], 1)
    inside = ((source >= 0) & (source < length))[None]
    if valid is not None:
        inside = inside & valid[:, source.clamp(0, length - 1).long()]
    return torch.where(inside, source, position)


def shift_offsets(length: int, depth: int, most: int, causal: bool) -> list[tuple[int, ...]]:
    """Return the offsets of each block's groups, at most `most` groups.

    Block i has the distances 1 to n times ``base ** i`` before each position and, if not causal,
    after it. With ``base = n + 1`` (``2n + 1`` if bidirectional), `depth` blocks cover every distance
    up to their reach, as digits represent numbers (if bidirectional, away from a row's ends). The
    smallest n that reaches across `length` is used, but at least two groups if `most` allows it, so
    that products combine different positions. If `most` is too small, the base grows until the
    reach suffices, which leaves gaps.
    """
    sides = 1 if causal else 2

    def reach(n: int, base: int) -> int:
        return n * sum(base**i for i in range(depth))

    largest = max(1, most // sides)
    smallest = min(2 // sides, largest)
    ready = (n for n in range(smallest, largest) if reach(n, sides * n + 1) >= length - 1)
    n = next(ready, largest)
    bases = count(sides * n + 1)
    base = next(b for b in bases if depth == 1 or reach(n, b) >= length - 1)
    steps = [[k * base**i for k in range(1, n + 1)] for i in range(depth)]
    return [tuple(s * k for k in row for s in ((1, -1)[:sides])) for row in steps]
