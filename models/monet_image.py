"""MONet as published: Poly-Blocks on a pyramid of feature maps."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ..harness.contract.model import ImageModel
from ..harness.contract.spec import Image
from .blocks.mu_layer import PolyBlock

WIDENING = (1, 2, 3, 3)
"""Channels of each stage, as multiples of the first one's (MONet-T)."""

SMALLEST = 7
"""Side of the last feature map at the published input of 224 pixels; no stage makes a smaller one."""


class ImageMONet(ImageModel):
    """Patch embedding, stages of Poly-Blocks, the mean over all places, a linear head (Cheng et al., ICLR 2024).

    Patches are 4 by 4 pixels as published, from two convolutions of 2 by 2. Images whose shorter
    side is at most 28 pixels get one of the two, those of at most 14 none but a map of each pixel,
    so that places enough are left to shift between. Between stages a 3 by 3 convolution halves the
    map, as long as its shorter side stays at least 7 and for at most four stages. At 224 pixels
    this is the published 56, 28, 14, 7; MNIST has 14 and 7, digits of 8 pixels a single stage.

    The stages share `depth` blocks, later ones first; `depths` and `widths` set them instead.
    """

    slack = "hidden"

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
        """Score images; see `ImageModel.forward`."""
        height, width = pixels.shape[2:]
        x = self.stem(F.pad(pixels, (0, -width % self.patch, 0, -height % self.patch)))
        for index, stage in enumerate(self.stages):
            x = self.between[index - 1](x) if index else x
            x = stage(x)
        return self.head(x.mean((2, 3)))

    def body_parameters(self) -> Iterable[nn.Parameter]:
        """Return the parameters of the stages and of the convolutions between them."""
        yield from self.stages.parameters()
        yield from self.between.parameters()

    def dead_parameters(self) -> dict[str, str]:
        """Return all but the head's parameters: published MONets start from a head of zeros."""
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
    """Return from where each quarter of the channels is read: the place above, below, to the left, to the right.

    Places at an edge read from themselves. In the published code slices that overlap are assigned in place, and smear.

    Returns
    -------
    Tensor
        (1, height * width, 4) int32, places counted row by row; see `kernels.mu_layer.shifted`.
    """
    place = torch.arange(height * width, dtype=torch.int32, device=device).view(height, width)
    above, below = torch.cat((place[:1], place[:-1])), torch.cat((place[1:], place[-1:]))
    left = torch.cat((place[:, :1], place[:, :-1]), 1)
    right = torch.cat((place[:, 1:], place[:, -1:]), 1)
    return torch.stack((above, below, left, right), -1).view(1, -1, 4)


def patch_halvings(side: int) -> int:
    """Return how often the patch embedding halves an image whose shorter side has so many pixels."""
    return 0 if side <= 2 * SMALLEST else 1 if side <= 4 * SMALLEST else 2


def stage_depths(side: int, depth: int) -> list[int]:
    """Return the blocks of each stage, for a first map whose shorter side has so many places."""
    stages = 1
    while stages < min(len(WIDENING), depth) and math.ceil(side / 2**stages) >= SMALLEST:
        stages += 1
    return [(depth + stage) // stages for stage in range(stages)]


def patch_embedding(channels: int, width: int, halvings: int) -> nn.Sequential:
    """Return a 2 by 2 convolution for each halving, or one of 1 by 1."""
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
