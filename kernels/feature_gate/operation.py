"""Entries times twice the sigmoid of their scores.

Where a gate has no context its scores are one row for the whole batch: the sigmoid then runs on that row alone, and
what is left is one product, at its floor in torch. With scores a row, `torch.compile` makes one pass of the three
element-wise operations.
"""

from __future__ import annotations

import torch
from torch import Tensor


def feature_gate(entries: Tensor, scores: Tensor) -> Tensor:
    """Return ``2 sigmoid(scores) * entries`` (Mao et al., AAAI 2023, arXiv:2304.00902, equation 4).

    Parameters
    ----------
    entries
        (batch, n).
    scores
        (batch, n), or (1, n) where the gate is the same for every row.

    Raises
    ------
    ValueError
        For scores of another shape.
    """
    if scores.shape not in (entries.shape, (1, *entries.shape[1:])):
        raise ValueError(
            f"scores have shape {tuple(scores.shape)}, where (1 or {len(entries)}, {entries.shape[1]}) fits"
        )
    return 2.0 * torch.sigmoid(scores) * entries
