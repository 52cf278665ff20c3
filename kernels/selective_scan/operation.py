"""The public selective scan, and its registration with torch: gradients, shapes, vmap and the FLOP counter."""

from __future__ import annotations

from typing import Literal, overload

import torch
from torch import Tensor

from ..precision import accumulator, stored
from ..registration import register_recurrence
from . import dispatch
from .cost import cost
from .operands import Operands

CLOSED = -1e4
"""What comes into the softplus where no step is to be taken: nothing is left of it in any precision."""


@overload
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
    lengths: Tensor | None = None,
    return_final_state: Literal[False] = False,
) -> Tensor: ...
@overload
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
    lengths: Tensor | None = None,
    return_final_state: Literal[True],
) -> tuple[Tensor, Tensor]: ...
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
    lengths: Tensor | None = None,
    return_final_state: bool = False,
) -> Tensor | tuple[Tensor, Tensor]:
    """Run the selective state-space recurrence of Mamba (Gu and Dao, 2023, algorithm 2) over time.

    For each channel, with steps ``s = delta + delta_bias``, through a softplus where `delta_softplus` is set,
    ``h[t] = exp(s[t] A) h[t-1] + s[t] u[t] B[t]`` and ``y[t] = (<h[t], C[t]> + D u[t]) silu(z[t])``.

    Parameters
    ----------
    u, delta, z
        (batch, length, channels) input, step size, and output gate.
    A
        (channels, states), real or complex; its real part is negative where the state is to decay. A complex state
        stands for itself and its conjugate: what is read is twice the real part of ``<h[t], C[t]>``.
    B, C
        (batch, length, states), shared by the channels; where A is complex, (batch, length, 2 states), the real and
        the imaginary part of each in turn.
    D, delta_bias
        (channels,) weight of the skip, and bias of the step size.
    initial_state
        (batch, channels, states), complex where A is; zeros where None.
    lengths
        (batch,) valid positions of each row. What lies past them is not read: it changes neither an output nor the
        last state, which is that after the last valid position, and its outputs are zero.

    Returns
    -------
    Tensor or (Tensor, Tensor)
        (batch, length, channels) in the dtype of `u`; with `return_final_state` also the last state
        (batch, channels, states) in the precision computed in: double where `u` is float64, else single.

    Raises
    ------
    ValueError
        Where shapes or devices do not go together.

    Notes
    -----
    Differentiable once, in all tensors. On the CPU float32 runs in C where a compiler is found, see `path`.
    """
    if lengths is not None:
        past = (torch.arange(u.shape[1], device=u.device) >= lengths[:, None])[..., None]
        u, B, C = (x.masked_fill(past, 0) for x in (u, B, C))
        z = None if z is None else z.masked_fill(past, 0)
        if delta_bias is not None and not delta_softplus:
            delta, delta_bias = delta + delta_bias, None
        delta = delta.masked_fill(past, CLOSED if delta_softplus else 0)
    precision = accumulator(u.dtype)
    rows = {
        name: x.to(stored(x)) for name, x in {"u": u, "delta": delta, "B": B, "C": C, "z": z}.items() if x is not None
    }
    whole = {"A": A, "D": D, "delta_bias": delta_bias, "initial_state": initial_state}
    whole = {name: x.to(_like(x, precision)) for name, x in whole.items() if x is not None}
    given = {**dict.fromkeys(Operands._fields), **rows, **whole, "delta_softplus": delta_softplus}
    y, final, _ = scan(*given.values())
    y = y.to(u.dtype)
    return (y, final) if return_final_state else y


def _like(x: Tensor, precision: torch.dtype) -> torch.dtype:
    return precision.to_complex() if x.is_complex() else precision


def _flops(operands: Operands, backward: bool) -> int:
    shape, (_, states), gate = operands.u.shape, operands.A.shape, operands.z is not None
    complex_valued = operands.A.is_complex()
    return cost(*shape, states=states, gate=gate, complex_valued=complex_valued, backward=backward).flops


ARGUMENTS = (
    "Tensor u, Tensor delta, Tensor A, Tensor B, Tensor C, Tensor? D, Tensor? z, Tensor? delta_bias, "
    "Tensor? initial_state, bool delta_softplus"
)
scan, scan_backward = register_recurrence("selective_scan", ARGUMENTS, Operands, dispatch, _flops)
