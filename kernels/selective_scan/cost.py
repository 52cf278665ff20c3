"""What the selective scan must do at the least."""

from __future__ import annotations

from ..costs import Cost


def cost(
    batch: int,
    length: int,
    channels: int,
    states: int,
    *,
    gate: bool = False,
    backward: bool = False,
    itemsize: int = 4,
) -> Cost:
    """Return the cost of one forward pass, or of one backward pass that runs the states again.

    Every addition, product, division, exponential and logarithm counts one, and step bias, softplus and skip are
    counted as present. Every input is read once and every output written once; nothing of size
    (batch, length, channels, states) touches memory.
    """
    cells = batch * length * channels
    per_state, per_cell, wide, narrow, small = (19, 16, 5, 4, 2) if backward else (7, 7, 3, 2, 1)
    if gate:
        per_state, per_cell, wide = (21, 29, 7) if backward else (7, 12, 4)
    floats = cells * wide + batch * length * states * narrow + channels * states * (small + batch)
    return Cost(cells * (states * per_state + per_cell), floats * itemsize)
