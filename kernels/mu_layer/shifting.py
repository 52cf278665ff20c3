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
        (batch or 1, length, groups) positions, or None for `x` as it is. The channels are cut as
        `torch.tensor_split` cuts them.
    """
    return x if source is None else x.gather(1, _every_channel(x, source))


def scattered(x: Tensor, source: Tensor | None) -> Tensor:
    """Return the gradient of what `shifted` read, given that of its result."""
    return x if source is None else torch.zeros_like(x).scatter_add(1, _every_channel(x, source), x)


def _every_channel(x: Tensor, source: Tensor) -> Tensor:
    sizes = [len(part) for part in torch.arange(x.shape[2]).tensor_split(source.shape[2])]
    repeats = torch.tensor(sizes, device=x.device)
    return source.long().repeat_interleave(repeats, 2, output_size=x.shape[2]).expand(x.shape)
