"""One bilinear form per head, as one batched matrix product in torch, which is as fast as possible."""

from __future__ import annotations

import torch
from torch import Tensor

from ..registration import KernelCost


def bilinear_fusion(a: Tensor, b: Tensor, weight: Tensor) -> Tensor:
    """Return the sum over heads of ``a_h^T W_h b_h`` (Mao et al., AAAI 2023, arXiv:2304.00902, equation 6).

    Computes either the maps ``a_h^T W_h`` or the products of entries first, whichever is smaller.

    Parameters
    ----------
    a, b
        (batch, heads p) and (batch, heads q), one head after another.
    weight
        (heads, p, q, outputs).

    Returns
    -------
    Tensor
        (batch, outputs).

    Raises
    ------
    ValueError
        If shapes do not match.
    """
    heads, p, q, outputs = weight.shape
    if a.shape[1:] != (heads * p,) or b.shape[1:] != (heads * q,) or len(a) != len(b):
        shapes = (tuple(x.shape) for x in (a, b, weight))
        raise ValueError("streams of shapes {} and {} do not fit a weight of shape {}".format(*shapes))
    a, b = a.unflatten(1, (heads, p)), b.unflatten(1, (heads, q))
    if outputs >= p:
        return (a[..., None] * b[:, :, None]).flatten(1) @ weight.reshape(-1, outputs)
    mapped = torch.bmm(a.transpose(0, 1), weight.reshape(heads, p, q * outputs))
    return (mapped.unflatten(2, (q, outputs)) * b.transpose(0, 1)[..., None]).sum((0, 2))


def cost(
    batch: int, heads: int, p: int, q: int, outputs: int, *, backward: bool = False, itemsize: int = 4
) -> KernelCost:
    """Return the cost of one forward pass, or of one backward pass: two operations per product of entries and weight.

    Every input is read once and every output written once.
    """
    work = 2 * batch * heads * p * q * outputs
    streams, weight = batch * heads * (p + q), heads * p * q * outputs
    passes = 2 if backward else 1
    return KernelCost((3 if backward else 1) * work, (passes * (streams + weight) + batch * outputs) * itemsize)
