"""The minimal work of the recurrence of matrix states."""

from __future__ import annotations

from ..registration import KernelCost


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

    Counts the recurrence step by step: every addition, product and exponential is one operation. A path in chunks does
    more of them, in matrix products. Every input is read once and every output written once; states do not touch
    memory.
    """
    steps = batch * length * heads
    decays = n if by_channel else 1
    per_entry, copies = (15, 2) if backward else (5, 1)
    moved = steps * ((2 + (1 if backward else 0)) * p + copies * (2 * n + decays)) + copies * batch * heads * p * n
    return KernelCost(steps * (per_entry * p * n + decays), moved * itemsize)
