"""Round numbers for axes."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence


def nice_ticks(low: float, high: float, count: int = 5) -> list[float]:
    """Return about `count` round numbers that enclose the range."""
    if high - low <= 1e-9 * max(abs(low), abs(high), 1.0):
        margin = max(abs(low) * 0.1, 0.01)
        low, high = low - margin, high + margin
    raw = (high - low) / (count - 1)
    power = 10.0 ** math.floor(math.log10(raw))
    step = next(factor * power for factor in (1, 2, 2.5, 5, 10) if factor * power >= raw * (1 - 1e-9))
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    return [round(index * step, 12) for index in range(first, last + 1)]


def linear_scale(ticks: Sequence[float], start: float, end: float) -> Callable[[float], float]:
    """Return the function from values to places, with the first tick at `start` and the last at `end`."""
    span = ticks[-1] - ticks[0]
    return lambda value: round(start + (end - start) * (value - ticks[0]) / span, 1)


def log_ticks(low: float, high: float) -> list[float]:
    """Return the round numbers 1, 2 and 5 times powers of ten between two positive numbers, at least one."""
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    found = [factor * 10.0**power for power in powers for factor in (1, 2, 5)]
    inside = [value for value in found if low <= value <= high]
    tens = [value for value in inside if f"{value:e}".startswith("1")]
    return (tens if len(tens) > 3 else inside) or [low]
