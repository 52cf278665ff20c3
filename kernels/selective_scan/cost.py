"""The minimal work of the selective scan."""

from __future__ import annotations

from ..registration import KernelCost


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
