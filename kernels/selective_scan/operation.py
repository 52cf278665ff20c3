"""The public selective scan."""

from __future__ import annotations

from torch import Tensor

from .reference import reference


def selective_scan(
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
    return_final_state: bool = False,
) -> Tensor | tuple[Tensor, Tensor]:
    """Run the selective state-space recurrence of Mamba over time.

    Parameters
    ----------
    u, delta, z
        (batch, length, channels) input, step size, and output gate.
    A
        (channels, states), real.
    B, C
        (batch, length, states).
    D, delta_bias
        (channels,) skip weight and bias of the step size.
    initial_state
        (batch, channels, states), zeros where None.

    Returns
    -------
    Tensor or (Tensor, Tensor)
        (batch, length, channels), and with `return_final_state` the last state (batch, channels, states).
    """
    y, state = reference(
        u, delta, A, B, C, D, z, delta_bias, delta_softplus=delta_softplus, initial_state=initial_state
    )
    return (y, state) if return_final_state else y
