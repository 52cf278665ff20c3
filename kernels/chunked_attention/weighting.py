"""What weighs a key by its score alone."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Literal

import torch
from torch import Tensor
from torch.nn import functional as F

Weighting = Literal["softmax", "laplace", "relu2"]

CENTRE = math.sqrt(0.5)
SHARPNESS = math.sqrt(2.0 * math.pi)
"""``1 / (sigma sqrt 2)`` with ``sigma = 1 / sqrt(4 pi)``."""


def laplace(x: Tensor) -> Tensor:
    """Return ``(1 + erf((x - sqrt(1/2)) / (sigma sqrt 2))) / 2`` with ``sigma = 1 / sqrt(4 pi)``."""
    return 0.5 * (1.0 + torch.erf((x - CENTRE) * SHARPNESS))


def relu2(x: Tensor) -> Tensor:
    """Return the square of the positive part."""
    return F.relu(x).square()


ELEMENTWISE: dict[str, Callable[[Tensor], Tensor]] = {"laplace": laplace, "relu2": relu2}
