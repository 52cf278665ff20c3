"""The bilinear form, one head and output at a time: the reference for the fast form."""

from __future__ import annotations

import torch
from torch import Tensor


def reference(a: Tensor, b: Tensor, weight: Tensor) -> Tensor:
    """Return the form, differentiable by autograd; the arguments are those of `bilinear_fusion`."""
    heads, p, q, outputs = weight.shape
    columns = []
    for o in range(outputs):
        terms = [
            ((a[:, h * p : (h + 1) * p] @ weight[h, :, :, o]) * b[:, h * q : (h + 1) * q]).sum(1) for h in range(heads)
        ]
        columns.append(torch.stack(terms).sum(0))
    return torch.stack(columns, 1)
