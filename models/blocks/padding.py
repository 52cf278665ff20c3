"""Padding: positions past a row's length, which must not affect the positions before them."""

from __future__ import annotations

import torch
from torch import Tensor


def valid_positions(x: Tensor, lengths: Tensor | None) -> Tensor | None:
    """Return which positions hold data, or None if all do, so full batches skip masking.

    Parameters
    ----------
    x
        (batch, length, ...).
    lengths
        (batch,) or None. A length of 0 counts as 1.

    Returns
    -------
    Tensor or None
        (batch, length) booleans.
    """
    if lengths is None or _all_full(x, lengths):
        return None
    return torch.arange(x.shape[1], device=x.device) < lengths.clamp(min=1)[:, None]


def _all_full(x: Tensor, lengths: Tensor) -> bool:
    try:
        return not bool((lengths < x.shape[1]).any())
    except RuntimeError:  # under torch.vmap no value can be read
        return False


def zero_padding(x: Tensor, valid: Tensor | None) -> Tensor:
    """Return `x` (batch, length, channels), zeroed where `valid` (batch, length) is false."""
    return x if valid is None else x * valid[..., None].to(x.dtype)


def reverse_valid(x: Tensor, lengths: Tensor | None) -> Tensor:
    """Return `x` (batch, length, channels) with each row's first `lengths` positions reversed."""
    if lengths is None:
        return x.flip(1)
    place = torch.arange(x.shape[1], device=x.device)
    last = lengths.clamp(min=1)[:, None] - 1
    index = torch.where(place <= last, last - place, place)
    return x.gather(1, index[..., None].expand_as(x))
