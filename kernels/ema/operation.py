"""The public moving averages, and their registration with torch: gradients, shapes, vmap and the FLOP counter."""

from __future__ import annotations

from typing import Literal, overload

from torch import Tensor

from ..precision import accumulator, stored
from ..registration import register_recurrence
from . import dispatch
from .cost import cost
from .operands import Operands


@overload
def ema(
    x: Tensor,
    decay: Tensor,
    weight: Tensor,
    initial_state: Tensor | None = None,
    *,
    reverse: bool = False,
    return_final_state: Literal[False] = False,
) -> Tensor: ...
@overload
def ema(
    x: Tensor,
    decay: Tensor,
    weight: Tensor,
    initial_state: Tensor | None = None,
    *,
    reverse: bool = False,
    return_final_state: Literal[True],
) -> tuple[Tensor, Tensor]: ...
def ema(
    x: Tensor,
    decay: Tensor,
    weight: Tensor,
    initial_state: Tensor | None = None,
    *,
    reverse: bool = False,
    return_final_state: bool = False,
) -> Tensor | tuple[Tensor, Tensor]:
    """Sum n moving averages a channel: ``h_n[t] = decay_n h_n[t-1] + x[t]``, ``y[t] = sum_n weight_n h_n[t]``.

    The multi-dimensional damped moving average of MEGA (arXiv:2209.10655, section 3.1), where the weight is the product
    of what goes in and what comes out, as a recurrence. `ema_fft` is the same through the Fourier transform.

    Parameters
    ----------
    x
        (batch, length, channels).
    decay, weight
        (channels, n).
    initial_state
        (batch, channels, n), the averages before the first step; zeros by default.
    reverse
        Whether time runs from the last position to the first.
    return_final_state
        Whether to return the averages after the last step (the first position where reversed) too.

    Returns
    -------
    Tensor or tuple of Tensor
        (batch, length, channels) in the dtype of `x`, and where asked for the last averages (batch, channels, n) in the
        dtype computed in: float64 where `x` is float64, else float32.

    Raises
    ------
    ValueError
        Where shapes or devices do not go together.

    Notes
    -----
    Differentiable once, in all tensors.
    """
    precision = accumulator(x.dtype)
    small = (None if tensor is None else tensor.to(precision) for tensor in (decay, weight, initial_state))
    y, final, _ = averages(x.to(stored(x)), *small, reverse)
    y = y.to(x.dtype)
    return (y, final) if return_final_state else y


def _flops(operands: Operands, backward: bool) -> int:
    return cost(*operands.x.shape, averages=operands.decay.shape[1], backward=backward).flops


ARGUMENTS = "Tensor x, Tensor decay, Tensor weight, Tensor? initial_state, bool reverse"
averages, averages_backward = register_recurrence("ema", ARGUMENTS, Operands, dispatch, _flops)
