"""The public selective scan, its operands and its paths."""

from __future__ import annotations

from typing import Any, Literal, NamedTuple, overload

import torch
from torch import Tensor

from ..paths import Path, path
from ..precision import accumulator, stored
from ..registration import Implementation, KernelCost, check, register


@overload
def selective_scan(*tensors: Any, return_final_state: Literal[True], **options: Any) -> tuple[Tensor, Tensor]: ...
@overload
def selective_scan(*tensors: Any, return_final_state: Literal[False] = False, **options: Any) -> Tensor: ...
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
    """Run the selective state-space recurrence of Mamba (Gu and Dao, 2023, algorithm 2) over time.

    For each channel, with steps ``s = delta + delta_bias``, through a softplus if `delta_softplus` is set,
    ``h[t] = exp(s[t] A) h[t-1] + s[t] u[t] B[t]`` and ``y[t] = (<h[t], C[t]> + D u[t]) silu(z[t])``.

    Parameters
    ----------
    u, delta, z
        (batch, length, channels) input, step size, and output gate.
    A
        (channels, states), real or complex; its real part is negative if the state is to decay. A complex state
        represents itself and its conjugate: the output is twice the real part of ``<h[t], C[t]>``.
    B, C
        (batch, length, states), shared by the channels; if A is complex, (batch, length, 2 states), alternating the
        real and the imaginary part of each.
    D, delta_bias
        (channels,) weight of the skip, and bias of the step size.
    initial_state
        (batch, channels, states), complex if A is; zeros by default.
    return_final_state
        Whether to also return the state after the last step.

    Returns
    -------
    Tensor or tuple of Tensor
        (batch, length, channels) in the dtype of `u`, and on request the last state (batch, channels, states) in the
        dtype of the computation: double precision if `u` is float64, else single. Differentiable once, in all tensors.

    Raises
    ------
    ValueError
        If shapes or devices do not match.
    """
    precision = accumulator(u.dtype)
    in_row, delta, B, C = (x.to(stored(x)) for x in (u, delta, B, C))
    z = None if z is None else z.to(stored(z))
    D, bias, initial = (None if x is None else x.to(_like(x, precision)) for x in (D, delta_bias, initial_state))
    y, final, _ = scan(in_row, delta, A.to(_like(A, precision)), B, C, D, z, bias, initial, delta_softplus)
    y = y.to(u.dtype)
    return (y, final) if return_final_state else y


def _like(x: Tensor, precision: torch.dtype) -> torch.dtype:
    return precision.to_complex() if x.is_complex() else precision


def cost(
    batch: int,
    length: int,
    channels: int,
    states: int,
    *,
    gate: bool = False,
    complex_valued: bool = False,
    backward: bool = False,
    itemsize: int = 4,
) -> KernelCost:
    """Return the cost of one forward pass, or of one backward pass that recomputes the states.

    Every real addition, product, division, exponential, logarithm, sine and cosine counts as one operation; step bias,
    softplus and skip are always included. Every input is read once and every output written once; nothing of size
    (batch, length, channels, states) touches memory.
    """
    cells = batch * length * channels
    per_cell, wide, narrow, small = (16, 5, 4, 2) if backward else (7, 3, 2, 1)
    per_state = (53 if backward else 21) if complex_valued else (19 if backward else 7)
    if gate:
        per_cell, wide = (29, 7) if backward else (12, 4)
        per_state += (4 if complex_valued else 2) if backward else 0
    planes = 2 * states if complex_valued else states
    floats = cells * wide + batch * length * planes * narrow + channels * planes * (small + batch)
    return KernelCost(cells * (states * per_state + per_cell), floats * itemsize)


class Operands(NamedTuple):
    """The arguments of `selective_scan`, of one precision and on one device."""

    u: Tensor
    delta: Tensor
    A: Tensor
    B: Tensor
    C: Tensor
    D: Tensor | None
    z: Tensor | None
    delta_bias: Tensor | None
    initial_state: Tensor | None
    delta_softplus: bool

    def check(self) -> None:
        rows, (channels, states) = self.u.shape, self.A.shape
        batch, length, _ = rows
        narrow = (batch, length, self.planes)
        expected = {
            "delta": (self.delta, tuple(rows)),
            "A": (_real_part(self.A), (rows[2], states)),
            "B": (self.B, narrow),
            "C": (self.C, narrow),
            "D": (self.D, (channels,)),
            "z": (self.z, tuple(rows)),
            "delta_bias": (self.delta_bias, (channels,)),
            "initial_state": (_real_part(self.initial_state), self.state_shape),
        }
        check(self.u, expected)
        if self.initial_state is not None and self.initial_state.is_complex() != self.A.is_complex():
            raise ValueError(f"initial_state is {self.initial_state.dtype}, but A is {self.A.dtype}")

    @property
    def planes(self) -> int:
        """Real numbers per channel of the state."""
        return self.A.shape[1] * (2 if self.A.is_complex() else 1)

    @property
    def state_shape(self) -> tuple[int, int, int]:
        """(batch, channels, states)."""
        channels, states = self.A.shape
        return self.u.shape[0], channels, states

    def outputs(self) -> tuple[Tensor, Tensor, Tensor]:
        """Return new tensors for y, the final state and the state at the start of each chunk."""
        dtypes = (x.dtype for x in self if isinstance(x, Tensor))
        final = self.u.new_empty(self.state_shape, dtype=accumulator(*dtypes))
        steps = _implementation(path("selective_scan", self.u))[0].checkpoint_steps(self)
        return self.u.new_empty(self.u.shape), final, self.checkpoints(steps)

    def checkpoints(self, steps: int) -> Tensor:
        """Return a new tensor for one state every `steps` steps, (batch, chunks, planes, channels)."""
        batch, length, channels = self.u.shape
        shape = (batch, -(-length // steps), self.planes, channels)
        return self.u.new_empty(shape, dtype=accumulator(self.u.dtype))

    def cost(self, *, backward: bool) -> KernelCost:
        gate, complex_valued, states = self.z is not None, self.A.is_complex(), self.A.shape[1]
        return cost(*self.u.shape, states=states, gate=gate, complex_valued=complex_valued, backward=backward)


def _real_part(x: Tensor | None) -> Tensor | None:
    return x.real if x is not None and x.is_complex() else x


def in_pairs(rows: Tensor, A: Tensor) -> Tensor:
    """Return B or C (..., planes) as numbers (..., states), complex if A is."""
    return torch.view_as_complex(rows.unflatten(-1, (-1, 2)).contiguous()) if A.is_complex() else rows


def out_of_pairs(numbers: Tensor) -> Tensor:
    """Undo `in_pairs`."""
    return torch.view_as_real(numbers.resolve_conj()).flatten(-2) if numbers.is_complex() else numbers


def as_planes(states: Tensor) -> Tensor:
    """Return (..., channels, states) as real numbers (..., planes, channels), two planes per complex state."""
    return out_of_pairs(states).mT.clone(memory_format=torch.contiguous_format)


def as_states(planes: Tensor, like: Tensor) -> Tensor:
    """Undo `as_planes`; the result is complex if `like` is."""
    return in_pairs(planes.mT.clone(memory_format=torch.contiguous_format), like)


def _implementation(taken: Path) -> Implementation:
    if taken == "triton":
        from . import triton_backward, triton_forward

        return triton_forward, triton_backward
    from . import c, torch_form

    return (c, c) if taken == "c" else (torch_form, torch_form)


scan = register("selective_scan", Operands, _implementation, returns=("y", "final"), keeps=("checkpoints",))
