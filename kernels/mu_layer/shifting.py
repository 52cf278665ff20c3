"""Reading groups of channels from other positions: the spatial shift as an index."""

from __future__ import annotations

import torch
from torch import Tensor


def shifted(x: Tensor, source: Tensor | None) -> Tensor:
    """Return `x` with each group of channels read from the position that `source` names.

    Parameters
    ----------
    x
        (batch, length, channels).
    source
        (batch or 1, positions, groups), or None for `x` as it is. Group g begins at channel
        ``g * channels // groups``.

    Returns
    -------
    Tensor
        (batch, positions, channels).
    """
    return x if source is None else x.gather(1, _every_channel(x, source))


def scattered(x: Tensor, source: Tensor | None) -> Tensor:
    """Return the gradient of what `shifted` read, given that of its result."""
    return x if source is None else torch.zeros_like(x).scatter_add(1, _every_channel(x, source), x)


def _every_channel(x: Tensor, source: Tensor) -> Tensor:
    channels, groups = x.shape[2], source.shape[2]
    group = (torch.arange(1, channels + 1, device=x.device) * groups - 1) // channels
    return source.long().index_select(2, group).expand(len(x), -1, -1)
