"""A residual network with products as its nonlinearity, as in PiNet-18."""

from __future__ import annotations

from collections.abc import Iterable

from torch import Tensor, nn

from ..harness import Image, ImageModel, register_model

STAGES = 4
"""Maximum number of stages; each has half the side and twice the channels of the previous one."""

SMALL = 14
"""The first convolution has stride 1 for images with a shorter side of at most this many pixels."""


@register_model(
    "pi-net-conv",
    paper="arXiv:2006.13026",
    summary="A convolutional residual network without activations whose blocks multiply their two branches.",
    family="multilinear",
)
class PiNetConv(ImageModel):
    """A product of polynomials on ResNet-18's skeleton (Chrysos et al., TPAMI 2021, PiNet-18).

    A block computes ``u + s + BN(u * s)`` with ``u = BN(conv(BN(conv(x))))`` and s the shortcut. The last
    norm of u starts at zero, as in the authors' code, so a new block returns s.

    Products: each block's convolved branch with its shortcut, entry by entry, so the degree doubles
    with each block. Without `products` and `activation` the network is linear, apart from batch norm.

    The first convolution is 3 by 3, with stride 2 unless the image is small, and no pooling follows
    it. Blocks are divided evenly among up to four stages, and later stages get the extra ones. Only
    for images.

    Parameters
    ----------
    products
        Whether the branches are multiplied.
    activation
        Whether to apply ReLU where ResNet does.
    pointwise
        Whether to apply a 1 by 1 convolution to the product before its norm.
    """

    def __init__(
        self,
        image: Image,
        outputs: int,
        width: int,
        depth: int,
        *,
        products: bool = True,
        activation: bool = False,
        pointwise: bool = False,
    ):
        super().__init__()
        self.stem = convolution(image.channels, width, 3, stride=1 if min(image.height, image.width) <= SMALL else 2)
        self.norm = nn.BatchNorm2d(width)
        self.activation = nn.ReLU() if activation else nn.Identity()
        stages = min(STAGES, depth)
        channels = [width * 2**stage for stage in range(stages) for _ in range((depth + stage) // stages)]
        self.blocks = nn.Sequential(
            *(
                ProductBlock(before, after, products, activation, pointwise)
                for before, after in zip([width, *channels], channels, strict=False)
            )
        )
        self.head = nn.Linear(channels[-1], outputs)

    def forward(self, pixels: Tensor) -> Tensor:
        x = self.activation(self.norm(self.stem(pixels)))
        return self.head(self.blocks(x).mean((2, 3)))

    def body_parameters(self) -> Iterable[nn.Parameter]:
        return self.blocks.parameters()

    def dead_parameters(self) -> dict[str, str]:
        """Return the layers between each branch's last norm, which starts at zero, and the nearest bias."""
        names = [f"blocks.{name}" for name, _ in self.blocks.named_parameters()]
        silent = [
            name
            for name in names
            if (".branch." in name and ".branch.4." not in name) or (".product." in name and name.endswith("weight"))
        ]
        return dict.fromkeys(silent, "the last norm of its branch starts at zero")


class ProductBlock(nn.Module):
    """``u + s + BN(u * s)`` with two convolutions in u; halves the side if the channels change."""

    def __init__(self, inputs: int, outputs: int, products: bool, activation: bool, pointwise: bool):
        super().__init__()
        stride = 1 if inputs == outputs else 2
        self.activation = nn.ReLU() if activation else nn.Identity()
        last = nn.BatchNorm2d(outputs)
        nn.init.zeros_(last.weight)
        self.branch = nn.Sequential(
            convolution(inputs, outputs, 3, stride=stride),
            nn.BatchNorm2d(outputs),
            self.activation,
            convolution(outputs, outputs, 3),
            last,
        )
        self.shortcut = nn.Identity()
        if inputs != outputs:
            self.shortcut = nn.Sequential(convolution(inputs, outputs, 1, stride=stride), nn.BatchNorm2d(outputs))
        self.product = None
        if products:
            mix = convolution(outputs, outputs, 1) if pointwise else nn.Identity()
            self.product = nn.Sequential(mix, nn.BatchNorm2d(outputs))

    def forward(self, x: Tensor) -> Tensor:
        u, s = self.branch(x), self.shortcut(x)
        y = u + s if self.product is None else u + s + self.product(u * s)
        return self.activation(y)


def convolution(inputs: int, outputs: int, side: int, *, stride: int = 1) -> nn.Conv2d:
    """Return a padded convolution without bias, with Kaiming-normal weights as in ResNet."""
    layer = nn.Conv2d(inputs, outputs, side, stride=stride, padding=side // 2, bias=False)
    nn.init.kaiming_normal_(layer.weight, mode="fan_out")
    return layer
