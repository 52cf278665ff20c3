"""The linear recurrence as a plain loop over time: slow and readable, the reference for the fast paths."""

from __future__ import annotations

import torch
from torch import Tensor


def reference(a: Tensor, b: Tensor, initial_state: Tensor | None = None, *, reverse: bool = False) -> Tensor:
    """Return all states in the precision of the inputs, differentiable by autograd.

    The arguments are those of `linear_recurrence`.
    """
    state = torch.zeros_like(b[:, 0]) if initial_state is None else initial_state
    steps, states = [*zip(a.unbind(1), b.unbind(1), strict=True)], []
    for a_t, b_t in reversed(steps) if reverse else steps:
        state = a_t * state + b_t
        states.append(state)
    return torch.stack(states[::-1] if reverse else states, 1)
