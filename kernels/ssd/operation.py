"""The public recurrence of matrix states, and its registration: gradients, shapes, vmap and the FLOP counter."""

from __future__ import annotations

from typing import Literal, overload

from torch import Tensor

from ..precision import accumulator
from ..registration import register_recurrence
from ..triton_support import usable
from . import dispatch
from .cost import cost
from .operands import Operands


@overload
def ssd(
    x: Tensor,
    log_decay: Tensor,
    B: Tensor,
    C: Tensor,
    initial_state: Tensor | None = None,
    *,
    return_final_state: Literal[False] = False,
) -> Tensor: ...
@overload
def ssd(
    x: Tensor,
    log_decay: Tensor,
    B: Tensor,
    C: Tensor,
    initial_state: Tensor | None = None,
    *,
    return_final_state: Literal[True],
) -> tuple[Tensor, Tensor]: ...
def ssd(
    x: Tensor,
    log_decay: Tensor,
    B: Tensor,
    C: Tensor,
    initial_state: Tensor | None = None,
    *,
    return_final_state: bool = False,
) -> Tensor | tuple[Tensor, Tensor]:
    """Run ``S[t] = exp(log_decay[t]) S[t-1] + x[t] B[t]^T`` and read ``y[t] = S[t] C[t]``, each head by itself.

    With one decay a head this is the state-space duality of Mamba-2 (arXiv:2405.21060, where x and the decay are
    already multiplied by the step); with one decay an entry of B, gated linear attention (arXiv:2312.06635).

    Parameters
    ----------
    x
        (batch, length, heads, p).
    log_decay
        (batch, length, heads), or (batch, length, heads, n) for a decay along each column of the state; zero or
        negative, and minus infinity for a reset.
    B, C
        (batch, length, heads, n).
    initial_state
        (batch, heads, p, n), the state before the first step; zeros by default.
    return_final_state
        Whether to return the state after the last step too.

    Returns
    -------
    Tensor or tuple of Tensor
        (batch, length, heads, p) in the dtype of `x`, and where asked for the last state (batch, heads, p, n) in the
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
    initial_state = None if initial_state is None else initial_state.to(precision)
    as_they_are = usable(x)
    rows = (r if as_they_are and usable(r) else r.to(precision) for r in (x, log_decay, B, C))
    y, final, _ = scan(*rows, initial_state)
    y = y.to(x.dtype)
    return (y, final) if return_final_state else y


def _flops(operands: Operands, backward: bool) -> int:
    return cost(*operands.x.shape, n=operands.B.shape[3], by_channel=operands.by_channel, backward=backward).flops


ARGUMENTS = "Tensor x, Tensor log_decay, Tensor B, Tensor C, Tensor? initial_state"
scan, scan_backward = register_recurrence("ssd", ARGUMENTS, Operands, dispatch, _flops)
