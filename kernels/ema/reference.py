"""The moving averages as a plain loop over time: slow, readable, and what the fast paths are held against."""

from __future__ import annotations

import torch
from torch import Tensor


def reference(
    x: Tensor, decay: Tensor, weight: Tensor, initial_state: Tensor | None = None, *, reverse: bool = False
) -> tuple[Tensor, Tensor]:
    """Return the outputs and the final state, in the precision of the inputs, differentiable by autograd.

    Arguments and shapes are those of `ema`.
    """
    state = x.new_zeros(x.shape[0], *decay.shape) if initial_state is None else initial_state
    outputs = []
    for x_t in reversed(x.unbind(1)) if reverse else x.unbind(1):
        state = decay * state + x_t[..., None]
        outputs.append((weight * state).sum(-1))
    return torch.stack(outputs[::-1] if reverse else outputs, 1), state
