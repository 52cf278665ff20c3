"""The moving averages as a plain loop over time: slow and readable, the reference for the fast paths."""

from __future__ import annotations

import torch
from torch import Tensor


def reference(x: Tensor, decay: Tensor, weight: Tensor, *, reverse: bool = False) -> Tensor:
    """Return the outputs in the precision of the inputs, differentiable by autograd.

    The arguments are those of `ema`.
    """
    state, outputs = x.new_zeros(x.shape[0], *decay.shape), []
    for x_t in reversed(x.unbind(1)) if reverse else x.unbind(1):
        state = decay * state + x_t[..., None]
        outputs.append((weight * state).sum(-1))
    return torch.stack(outputs[::-1] if reverse else outputs, 1)
