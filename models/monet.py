"""MONet: a multilinear operator network, without any activation function."""

from __future__ import annotations

from itertools import count

import torch
from torch import Tensor, nn

from ..harness.contract.model import SequenceModel, State
from ..harness.contract.registry import register_model
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

    What multiplies with what: in each Mu-Layer one linear map of the shifted token with another,
    element by element, so a block has degree four in its input (layer norms aside, which divide
    by a standard deviation). Nothing else is non-linear.

    The paper's network sees images, where four groups of channels come from the four neighbours:
    `ImageMONet`. On a sequence the groups come from distances before and after, or only before where causal;
    this form is ours. A position whose source lies outside its row keeps its own value, as in the
    paper. What it reaches: see `shift_offsets`; a block can see only as many distances as it has
    groups, and at small width and great length there are distances that no path covers.

    Parameters
    ----------
    hidden
        Channels inside the second Mu-Layer of a block; by default three times the width. On
        images, those of the first stage, the others in proportion.
    depths, widths
        On images alone: blocks and channels of each stage; by default as `ImageMONet` says.
    """

    width_multiple = 16
    slack = "hidden"
    image_form = ImageMONet

    def __init__(self, width: int, depth: int, causal: bool, length: int, *, hidden: int | None = None):
        super().__init__()
        # Both factors of the first Mu-Layer are cut in groups; the narrow one has width / 8 channels.
        self.factors = (width, width // 8)
        self.offsets = shift_offsets(length, depth, width // 8, causal)
        self.blocks = nn.ModuleList(PolyBlock(width, hidden or 3 * width) for _ in range(depth))

    def forward(self, x: Tensor, lengths: Tensor | None = None) -> Tensor:
        """Mix `x` (batch, length, width); see `SequenceModel.forward`."""
        valid = valid_positions(x, lengths)
        for block, offsets in zip(self.blocks, self.offsets, strict=True):
            x = block(x, sources(x.shape[1], offsets, valid, x.device))
        return x

    def init_state(self, batch: int) -> State:
        """Return what a causal model remembers before the first position: nothing."""
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
    """Return the position from which each group of channels is read; see `kernels.mu_layer.shifted`.

    Parameters
    ----------
    offsets
        One a group: position t reads from t - offset, or from itself where that lies outside the row.
    valid
        (batch, length), or None where rows are full.

    Returns
    -------
    Tensor
        (batch or 1, length, groups) int32.
    """
    position = torch.arange(length, dtype=torch.int32, device=device)[:, None]
    # Not as a tensor of the offsets, which a GPU would wait for at every block.
    source = torch.cat([position - offset for offset in offsets], 1)
    inside = ((source >= 0) & (source < length))[None]
    if valid is not None:
        inside = inside & valid[:, source.clamp(0, length - 1).long()]
    return torch.where(inside, source, position)


def shift_offsets(length: int, depth: int, most: int, causal: bool) -> list[tuple[int, ...]]:
    """Return the offsets of each block's groups, at most `most` groups.

    Block i has the distances 1 to n times ``base ** i``, before each position and, where not
    causal, after it too. With ``base = n + 1`` (``2n + 1`` two-sided) `depth` blocks cover every
    distance up to their reach, as digits cover numbers (two-sided: away from a row's ends). The
    smallest such n that reaches across `length` is taken, but at least two groups, so that a
    product joins different positions. Where `most` is too small for that, the base grows until
    the reach is met, and leaves gaps.
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
