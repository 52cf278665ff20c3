"""The public moving averages, their operands and their paths."""

from __future__ import annotations

from typing import NamedTuple

from torch import Tensor

from ..paths import Path, path
from ..precision import accumulator, stored
from ..registration import Implementation, KernelCost, check, register


def ema(x: Tensor, decay: Tensor, weight: Tensor, *, reverse: bool = False) -> Tensor:
    """Sum n moving averages per channel: ``h_n[t] = decay_n h_n[t-1] + x[t]``, ``y[t] = sum_n weight_n h_n[t]``.

    The multi-dimensional damped moving average of MEGA (arXiv:2209.10655, section 3.1) as a recurrence; the weight is
    the product of its input and output weights. `ema_fft` computes the same with the Fourier transform.

    Parameters
    ----------
    x
        (batch, length, channels).
    decay, weight
        (channels, n).
    reverse
        Whether time runs from the last position to the first.

    Returns
    -------
    Tensor
        (batch, length, channels) in the dtype of `x`. Computed in float64 if `x` is float64, else in float32.
        Differentiable once, in all tensors.

    Raises
    ------
    ValueError
        If shapes or devices do not match.
    """
    precision = accumulator(x.dtype)
    y, _ = averages(x.to(stored(x)), decay.to(precision), weight.to(precision), reverse)
    return y.to(x.dtype)


def cost(
    batch: int, length: int, channels: int, averages: int, *, backward: bool = False, itemsize: int = 4
) -> KernelCost:
    """Return the cost of one forward pass, or of one backward pass that recomputes the states.

    Counts the recurrence: every addition and product is one operation. The forward pass reads x and writes y; the
    backward pass reads x and the gradient of y and writes that of x. States do not touch memory.
    """
    cells = batch * length * channels
    per_state, wide, copies = (11, 3, 2) if backward else (4, 2, 1)
    return KernelCost(cells * averages * per_state, (cells * wide + 2 * copies * channels * averages) * itemsize)


class Operands(NamedTuple):
    """The arguments of `ema`, of one dtype and on one device."""

    x: Tensor
    decay: Tensor
    weight: Tensor
    reverse: bool

    def check(self) -> None:
        pair = (self.x.shape[2], self.decay.shape[-1])
        check(self.x, {"decay": (self.decay, pair), "weight": (self.weight, pair)})

    def outputs(self) -> tuple[Tensor, Tensor]:
        """Return new tensors for y and for the averages at the start of each chunk, (batch, chunks, n, channels)."""
        steps = _implementation(path("ema", self.x))[0].checkpoint_steps(self)
        return self.x.new_empty(self.x.shape), self.checkpoints(steps)

    def checkpoints(self, steps: int) -> Tensor:
        """Return a new tensor for the averages every `steps` steps; channels come last, as loops run over them."""
        batch, length, channels = self.x.shape
        shape = (batch, -(-length // steps), self.decay.shape[1], channels)
        return self.x.new_empty(shape, dtype=accumulator(self.x.dtype))

    def cost(self, *, backward: bool) -> KernelCost:
        return cost(*self.x.shape, averages=self.decay.shape[1], backward=backward)


def _implementation(taken: Path) -> Implementation:
    if taken == "triton":
        from . import triton_backward, triton_forward

        return triton_forward, triton_backward
    from . import c, torch_form

    return (c, c) if taken == "c" else (torch_form, torch_form)


averages = register(
    "ema",
    Operands,
    _implementation,
    keeps=("checkpoints",),
    members={"x": 2, "decay": 0, "weight": 0, "y": 2, "checkpoints": 3},
)
