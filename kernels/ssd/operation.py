"""The public recurrence of matrix states, its operands and its paths."""

from __future__ import annotations

from typing import Any, Literal, NamedTuple, overload

from torch import Tensor

from ..paths import Path, path, runs_triton
from ..precision import accumulator
from ..registration import Implementation, KernelCost, check, register


@overload
def ssd(*tensors: Any, return_final_state: Literal[True], **options: Any) -> tuple[Tensor, Tensor]: ...
@overload
def ssd(*tensors: Any, return_final_state: Literal[False] = False, **options: Any) -> Tensor: ...
def ssd(
    x: Tensor,
    log_decay: Tensor,
    B: Tensor,
    C: Tensor,
    initial_state: Tensor | None = None,
    *,
    return_final_state: bool = False,
) -> Tensor | tuple[Tensor, Tensor]:
    """Compute ``S[t] = exp(log_decay[t]) S[t-1] + x[t] B[t]^T`` and ``y[t] = S[t] C[t]``, each head separately.

    With one decay per head this is the state-space duality of Mamba-2 (arXiv:2405.21060; x and the decay are already
    multiplied by the step). With one decay per entry of B it is gated linear attention (arXiv:2312.06635).

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
        Whether to also return the state after the last step.

    Returns
    -------
    Tensor or tuple of Tensor
        (batch, length, heads, p) in the dtype of `x`, and on request the last state (batch, heads, p, n) in the
        dtype of the computation: float64 if `x` is float64, else float32. Differentiable once, in all tensors.

    Raises
    ------
    ValueError
        If shapes or devices do not match.
    """
    precision = accumulator(x.dtype)
    initial_state = None if initial_state is None else initial_state.to(precision)
    in_place = runs_triton(x)
    rows = (r if in_place and runs_triton(r) else r.to(precision) for r in (x, log_decay, B, C))
    y, final, _ = scan(*rows, initial_state)
    y = y.to(x.dtype)
    return (y, final) if return_final_state else y


def cost(
    batch: int,
    length: int,
    heads: int,
    p: int,
    n: int,
    *,
    by_channel: bool = False,
    backward: bool = False,
    itemsize: int = 4,
) -> KernelCost:
    """Return the cost of one forward pass, or of one backward pass that recomputes the states.

    Counts the recurrence step by step: every addition, product and exponential is one operation. The paths in chunks
    do more, in matrix products. Every input is read once and every output written once; states do not touch
    memory.
    """
    steps = batch * length * heads
    decays = n if by_channel else 1
    per_entry, copies = (15, 2) if backward else (5, 1)
    moved = steps * ((2 + (1 if backward else 0)) * p + copies * (2 * n + decays)) + copies * batch * heads * p * n
    return KernelCost(steps * (per_entry * p * n + decays), moved * itemsize)


class Operands(NamedTuple):
    """The arguments of `ssd`, of one dtype and on one device."""

    x: Tensor
    log_decay: Tensor
    B: Tensor
    C: Tensor
    initial_state: Tensor | None

    def check(self) -> None:
        heads, narrow = tuple(self.x.shape[:3]), tuple(self.B.shape)
        expected = {
            "log_decay": (self.log_decay, narrow if self.by_channel else heads),
            "B": (self.B, (*heads, narrow[-1])),
            "C": (self.C, narrow),
            "initial_state": (self.initial_state, self.state_shape),
        }
        check(self.x, expected)

    @property
    def by_channel(self) -> bool:
        """Whether each entry along the last axis of the state has its own decay."""
        return self.log_decay.dim() == 4

    @property
    def state_shape(self) -> tuple[int, int, int, int]:
        """(batch, heads, p, n)."""
        batch, _, heads, p = self.x.shape
        return batch, heads, p, self.B.shape[-1]

    def outputs(self) -> tuple[Tensor, Tensor, Tensor]:
        """Return new tensors for y, the final state and the state at the start of each chunk."""
        taken = path("ssd", self.x)
        steps = _implementation(taken)[0].checkpoint_steps(self)
        final = self.x.new_empty(self.state_shape, dtype=accumulator(*(x.dtype for x in self if x is not None)))
        return self.x.new_empty(self.x.shape), final, self.checkpoints(steps, by_columns=taken == "c")

    def checkpoints(self, steps: int, *, by_columns: bool) -> Tensor:
        """Return a tensor for one state every `steps` steps, (batch, chunks, heads, p, n) or by columns (..., n, p)."""
        batch, heads, p, n = self.state_shape
        shape = (batch, -(-self.x.shape[1] // steps), heads, *((n, p) if by_columns else (p, n)))
        return self.x.new_empty(shape, dtype=accumulator(self.x.dtype))

    def cost(self, *, backward: bool) -> KernelCost:
        return cost(*self.x.shape, n=self.B.shape[3], by_channel=self.by_channel, backward=backward)


def _implementation(taken: Path) -> Implementation:
    if taken == "triton":
        from . import triton_backward, triton_forward

        return triton_forward, triton_backward
    from . import c, torch_form

    return (c, c) if taken == "c" else (torch_form, torch_form)


scan = register(
    "ssd",
    Operands,
    _implementation,
    returns=("y", "final"),
    keeps=("checkpoints",),
    members=dict.fromkeys((*Operands._fields, "y", "final", "checkpoints"), 0),
)
