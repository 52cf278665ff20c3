"""Pi-Nets: one polynomial of the whole input with a factorized coefficient tensor."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal, get_args

import torch
from torch import Tensor, nn

from ..harness import FieldModel, Fields, Image, ImageModel, UserError, register_model
from .blocks.field_embedding import FieldEmbedding

Form = Literal["ccp", "ncp", "ncp-skip"]


class Polynomial(nn.Module):
    """A polynomial of `inputs` variables in `rank` terms (Chrysos et al., arXiv:2006.13026).

    ============  =========================  ==================================================
    form          first step                 step n
    ============  =========================  ==================================================
    ``ccp``       ``x_1 = U_1 z``            ``x_n = (U_n z) * x_{n-1} + x_{n-1}``
    ``ncp``       ``x_1 = (A_1 z) * b_1``    ``x_n = (A_n z) * (S_n x_{n-1} + b_n)``
    ``ncp-skip``  as ncp                     ``x_n = (A_n z) * (S_n x_{n-1} + b_n) + V_n x_{n-1}``
    ============  =========================  ==================================================

    U has biases, A has none. Linear maps use torch's default initialization; the vectors b start at one.
    """

    def __init__(self, inputs: int, rank: int, degree: int, form: Form):
        super().__init__()
        if form not in get_args(Form):
            raise UserError(f"pi-net has no form '{form}'. Known: {', '.join(get_args(Form))}.")
        if degree < 1:
            raise UserError(f"pi-net's degree must be at least 1, found {degree}.")
        nested = form != "ccp"
        self.factors = nn.ModuleList(nn.Linear(inputs, rank, bias=not nested) for _ in range(degree))
        self.first = nn.Parameter(torch.ones(rank)) if nested else None
        self.inner = nn.ModuleList(inner_map(rank) if nested else nn.Identity() for _ in range(degree - 1))
        self.skips = None
        if form != "ncp":
            skips = (nn.Linear(rank, rank, bias=False) if nested else nn.Identity() for _ in range(degree - 1))
            self.skips = nn.ModuleList(skips)

    def forward(self, z: Tensor) -> Tensor:
        """Map (batch, inputs) to (batch, rank)."""
        first, *factors = (factor(z) for factor in self.factors)
        x = first if self.first is None else first * self.first
        for step, factor in enumerate(factors):
            product = factor * self.inner[step](x)
            x = product if self.skips is None else product + self.skips[step](x)
        return x


def inner_map(rank: int) -> nn.Linear:
    """Return a layer ``S x + b`` with b initialized to one."""
    layer = nn.Linear(rank, rank)
    nn.init.ones_(layer.bias)
    return layer


class ImagePiNet(ImageModel):
    """The polynomial of an image's pixels."""

    bounds = {"degree": (1, 64)}

    def __init__(self, image: Image, outputs: int, width: int, *, form: Form = "ccp", degree: int = 4):
        super().__init__()
        self.polynomial = Polynomial(image.channels * image.height * image.width, width, degree, form)
        self.head = nn.Linear(width, outputs)

    def forward(self, pixels: Tensor) -> Tensor:
        return self.head(self.polynomial(pixels.flatten(1)))

    def body_parameters(self) -> Iterable[nn.Parameter]:
        return self.polynomial.parameters()


@register_model(
    "pi-net",
    paper="arXiv:2006.13026",
    summary="A polynomial of the whole input with factorized coefficients (CCP, NCP, NCP-skip), no activation.",
    family="multilinear",
)
class PiNet(FieldModel):
    """``C x_N + beta`` with the polynomial x_N of the input z (Chrysos et al., CVPR 2020, TPAMI 2021).

    Products: N linear maps of z, entry by entry, so the degree is N; nothing else is nonlinear. z is
    the concatenated embeddings of all fields, or an image's pixels. The width is the number of terms.

    Parameters
    ----------
    form
        ``ccp``, ``ncp`` or ``ncp-skip``; see `Polynomial`.
    degree
        The polynomial's degree N.
    embedding
        Size of each field's vector.
    """

    image_form = ImagePiNet

    bounds = {"degree": (1, 64), "embedding": (1, 4096)}

    def __init__(
        self, fields: Fields, outputs: int, width: int, *, form: Form = "ccp", degree: int = 4, embedding: int = 10
    ):
        super().__init__()
        self.embedding = FieldEmbedding(fields, embedding)
        self.polynomial = Polynomial(self.embedding.n_vectors * embedding, width, degree, form)
        self.head = nn.Linear(width, outputs)

    def forward(self, ids: Tensor, dense: Tensor | None = None) -> Tensor:
        return self.head(self.polynomial(self.embedding(ids, dense).flatten(1)))

    def body_parameters(self) -> Iterable[nn.Parameter]:
        return self.polynomial.parameters()
