"""The selective scan as a plain loop over time: slow and readable, the reference for the fast paths."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from .operation import in_pairs


def reference(
    u: Tensor,
    delta: Tensor,
    A: Tensor,
    B: Tensor,
    C: Tensor,
    D: Tensor | None = None,
    z: Tensor | None = None,
    delta_bias: Tensor | None = None,
    *,
    delta_softplus: bool = False,
    initial_state: Tensor | None = None,
) -> tuple[Tensor, Tensor]:
    """Return the outputs and the final state, in the precision of the inputs, differentiable by autograd.

    The arguments are those of `selective_scan`.
    """
    step = delta if delta_bias is None else delta + delta_bias
    step = F.softplus(step) if delta_softplus else step
    B, C = in_pairs(B, A), in_pairs(C, A)
    state = A.new_zeros(u.shape[0], *A.shape) if initial_state is None else initial_state
    outputs = []
    for u_t, step_t, B_t, C_t in zip(u.unbind(1), step.unbind(1), B.unbind(1), C.unbind(1), strict=True):
        state = torch.exp(step_t[..., None] * A) * state + (step_t * u_t)[..., None] * B_t[:, None]
        out = (state * C_t[:, None]).sum(-1)
        outputs.append(2 * out.real if A.is_complex() else out)
    y = torch.stack(outputs, dim=1)
    y = y if D is None else y + D * u
    return (y if z is None else y * F.silu(z)), state
