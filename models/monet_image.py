"""MONet as published: Poly-Blocks on a pyramid of feature maps."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ..harness import Image, ImageModel
from .blocks.mu_layer import PolyBlock

WIDENING = (1, 2, 3, 3)
"""Channels of each stage as multiples of the first stage's (MONet-T)."""

SMALLEST = 7
"""Side of the last feature map for the published input of 224 pixels; no stage has a smaller map."""


class ImageMONet(ImageModel):
    """Patch embedding, stages of Poly-Blocks, the mean over all positions, a linear head (Cheng et al., ICLR 2024).

    Patches are 4 by 4 pixels as published, from two 2 by 2 convolutions. Images with a shorter side
    of at most 28 pixels get only one of the two, and those of at most 14 pixels a 1 by 1 convolution,
    so that enough positions remain to shift between. Between stages a 3 by 3 convolution halves the
    map, while its shorter side stays at least 7 and for at most four stages. At 224 pixels the maps
    are the published 56, 28, 14, 7; MNIST has 14 and 7, and 8-pixel digits have a single stage.

    `depth` blocks are divided evenly among the stages, and later stages get the extra ones; `depths`
    and `widths` override this.
    """

    slack = "hidden"
    bounds = {"hidden": (1, 2**20)}

    def __init__(
        self,
        image: Image,
        outputs: int,
        width: int,
        depth: int,
        *,
        hidden: int | None = None,
        depths: Sequence[int] | None = None,
        widths: Sequence[int] | None = None,
    ):
        super().__init__()
        side = min(image.height, image.width)
        halvings = patch_halvings(side)
        self.patch = 2**halvings
        depths = depths or stage_depths(math.ceil(side / self.patch), depth)
        widths = widths or [width * factor for factor in WIDENING[: len(depths)]]
        expansion = (hidden or 3 * width) / width
        self.stem = patch_embedding(image.channels, widths[0], halvings)
        self.stages = nn.ModuleList(
            Stage(channels, round(expansion * channels), blocks)
            for blocks, channels in zip(depths, widths, strict=True)
        )
        self.between = nn.ModuleList(convolution(a, b, 3, stride=2, padding=1) for a, b in pairwise(widths))
        self.head = nn.Linear(widths[-1], outputs)
        nn.init.zeros_(self.head.weight)
        nn.init.zeros_(self.head.bias)

    def forward(self, pixels: Tensor) -> Tensor:
        height, width = pixels.shape[2:]
        x = self.stem(F.pad(pixels, (0, -width % self.patch, 0, -height % self.patch)))
        for index, stage in enumerate(self.stages):
            x = self.between[index - 1](x) if index else x
            x = stage(x)
        return self.head(x.mean((2, 3)))

    def body_parameters(self) -> Iterable[nn.Parameter]:
        yield from self.stages.parameters()
        yield from self.between.parameters()

    def dead_parameters(self) -> dict[str, str]:
        """Return all parameters but the head's: the published initialization sets the head to zero."""
        names = [name for name, _ in self.named_parameters() if not name.startswith("head")]
        return dict.fromkeys(names, "the head starts at zero")


class Stage(nn.Module):
    """Poly-Blocks on a map (batch, channels, height, width)."""

    def __init__(self, channels: int, hidden: int, blocks: int):
        super().__init__()
        self.blocks = nn.ModuleList(PolyBlock(channels, hidden) for _ in range(blocks))

    def forward(self, x: Tensor) -> Tensor:
        height, width = x.shape[2:]
        source, x = four_neighbours(height, width, x.device), x.flatten(2).mT
        for block in self.blocks:
            x = block(x, source)
        return x.mT.unflatten(2, (height, width))


def four_neighbours(height: int, width: int, device: torch.device | None = None) -> Tensor:
    """Return the source of each quarter of the channels: the position above, below, to the left, to the right.

    A position at an edge is its own source. The published code assigns overlapping slices in place, which
    smears values.

    Returns
    -------
    Tensor
        (1, height * width, 4) int32, positions in row-major order; see `kernels.mu_layer.shifted`.
    """
    place = torch.arange(height * width, dtype=torch.int32, device=device).view(height, width)
    above, below = torch.cat((place[:1], place[:-1])), torch.cat((place[1:], place[-1:]))
    left = torch.cat((place[:, :1], place[:, :-1]), 1)
    right = torch.cat((place[:, 1:], place[:, -1:]), 1)
    return torch.stack((above, below, left, right), -1).view(1, -1, 4)


def patch_halvings(side: int) -> int:
    """Return how often the patch embedding halves an image with a shorter side of `side` pixels."""
    return 0 if side <= 2 * SMALLEST else 1 if side <= 4 * SMALLEST else 2


def stage_depths(side: int, depth: int) -> list[int]:
    """Return the number of blocks per stage, for a first map with a shorter side of `side` positions."""
    stages = 1
    while stages < min(len(WIDENING), depth) and math.ceil(side / 2**stages) >= SMALLEST:
        stages += 1
    return [(depth + stage) // stages for stage in range(stages)]


def patch_embedding(channels: int, width: int, halvings: int) -> nn.Sequential:
    """Return one 2 by 2 convolution per halving, or a 1 by 1 convolution if there is none."""
    if not halvings:
        return nn.Sequential(convolution(channels, width, 1))
    inputs = (channels, width)[:halvings]
    return nn.Sequential(*(convolution(before, width, 2, stride=2) for before in inputs))


def convolution(inputs: int, outputs: int, side: int, *, stride: int = 1, padding: int = 0) -> nn.Conv2d:
    """Return a convolution with LeCun-normal weights and zero bias."""
    layer = nn.Conv2d(inputs, outputs, side, stride=stride, padding=padding)
    nn.init.normal_(layer.weight, std=(inputs * side**2) ** -0.5)
    assert layer.bias is not None
    nn.init.zeros_(layer.bias)
    return layer
