"""The recurrence of matrix states as a plain loop over time: slow and readable, the reference for the fast paths."""

from __future__ import annotations

import torch
from torch import Tensor


def reference(
    x: Tensor, log_decay: Tensor, B: Tensor, C: Tensor, initial_state: Tensor | None = None
) -> tuple[Tensor, Tensor]:
    """Return the outputs and the final state, in the precision of the inputs, differentiable by autograd.

    The arguments are those of `ssd`.
    """
    decay = log_decay.exp() if log_decay.dim() == 4 else log_decay.exp()[..., None]
    state = x.new_zeros(x.shape[0], *x.shape[2:], B.shape[3]) if initial_state is None else initial_state
    outputs = []
    for x_t, decay_t, B_t, C_t in zip(x.unbind(1), decay.unbind(1), B.unbind(1), C.unbind(1), strict=True):
        state = decay_t[:, :, None] * state + x_t[..., None] * B_t[:, :, None]
        outputs.append((state * C_t[:, :, None]).sum(-1))
    return torch.stack(outputs, 1), state
