"""Line charts as SVG coordinates: named lines with bands, labeled at their right ends.

Altair is not used: one of its charts takes 50 ms with vl-convert, these 0.2 ms, and a site has one per task.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from ..formats import quantity
from .ticks import linear_scale, log_ticks, nice_ticks

WIDTH, HEIGHT = 680, 320
LEFT, RIGHT, TOP, BOTTOM = 52, 130, 14, 44
LINE = 14
"""Height of a label."""
LETTER = 7
"""Width of a letter."""
LONGEST = 19
"""Characters of a label; longer ones are cut."""

Tick = tuple[float, str]
"""A place on an axis, in SVG units, and its label."""


@dataclass(frozen=True)
class Series:
    """A line: x, y and the range of y at each point. `color` is a style class."""

    name: str
    color: str
    points: Sequence[tuple[float, float, float, float]]


@dataclass(frozen=True)
class DrawnLine:
    """A line as attributes of SVG elements; `band` is empty if the range of y is, and `shift` moves the label."""

    name: str
    label: str
    color: str
    points: str
    band: str
    end: tuple[float, float]
    label_y: float | None


@dataclass(frozen=True)
class LineChart:
    """One chart; `key` names the choice of the x axis if there are several."""

    key: str
    x_title: str
    y_title: str
    lines: tuple[DrawnLine, ...]
    x_ticks: tuple[Tick, ...]
    y_ticks: tuple[Tick, ...]
    references: tuple[tuple[float, str], ...] = ()
    width: int = WIDTH
    height: int = HEIGHT

    @property
    def frame(self) -> dict[str, int]:
        """Return the edges of the plotting area."""
        return {"left": LEFT, "right": WIDTH - RIGHT, "top": TOP, "bottom": HEIGHT - BOTTOM}

    @property
    def grid(self) -> str:
        return "".join(f"M{LEFT} {place}H{WIDTH - RIGHT}" for place, _ in self.y_ticks)

    @property
    def axis(self) -> str:
        foot = HEIGHT - BOTTOM
        return f"M{LEFT} {foot}H{WIDTH - RIGHT}" + "".join(f"M{place} {foot}v5" for place, _ in self.x_ticks)


def line_chart(
    key: str,
    x_title: str,
    y_title: str,
    series: Sequence[Series],
    y_label: Callable[[float], str],
    names: Sequence[str] = (),
    *,
    log: bool = False,
) -> LineChart | None:
    """Return a chart of the lines, or None if there are none.

    Parameters
    ----------
    names
        Labels of the values 0, 1, ... of a named x axis.
    log
        Whether both axes are logarithmic; points at 0 or below are left out.
    """
    if log:
        series = [replace(one, points=[point for point in one.points if min(point) > 0]) for one in series]
    series = [one for one in series if one.points]
    if not series:
        return None
    xs = [x for one in series for x, *_ in one.points]
    ys = [value for one in series for _, *values in one.points for value in values]
    if log:
        x_ticks, to_x = _log_axis(min(xs), max(xs), LEFT, WIDTH - RIGHT)
        y_ticks, to_y = _log_axis(min(ys), max(ys), HEIGHT - BOTTOM, TOP)
    else:
        x_ticks = [float(i) for i in range(len(names))] if len(names) > 1 else nice_ticks(min(0.0, *xs), max(xs), 6)
        y_ticks = nice_ticks(min(ys), max(ys))
        to_x = linear_scale(x_ticks, LEFT, WIDTH - RIGHT)
        to_y = linear_scale(y_ticks, HEIGHT - BOTTOM, TOP)
    ends = {one.name: to_y(one.points[-1][1]) for one in series}
    places = spread(ends, TOP, HEIGHT - BOTTOM)
    lines = tuple(_line(one, to_x, to_y, places.get(one.name)) for one in series)
    fitting = int((WIDTH - RIGHT - LEFT) / max(1, len(names) - 1) / LETTER)
    label = (lambda x: _cut(names[int(x)], fitting)) if names else quantity
    return LineChart(
        key,
        x_title,
        y_title,
        lines,
        tuple((to_x(x), label(x)) for x in x_ticks),
        tuple((to_y(y), y_label(y)) for y in y_ticks),
    )


def _log_axis(low: float, high: float, start: float, end: float) -> tuple[list[float], Callable[[float], float]]:
    """Return the ticks and the scale of a logarithmic axis that just contains its values."""
    ends = [math.log10(low), math.log10(high) if high > low else math.log10(low) + 1]
    scale = linear_scale(ends, start, end)
    return log_ticks(low, high), lambda value: scale(math.log10(value))


def _line(
    one: Series, to_x: Callable[[float], float], to_y: Callable[[float], float], label_y: float | None
) -> DrawnLine:
    line = " ".join(f"{to_x(x)},{to_y(y)}" for x, y, *_ in one.points)
    upper = [f"{to_x(x)},{to_y(high)}" for x, _, _, high in one.points]
    lower = [f"{to_x(x)},{to_y(low)}" for x, _, low, _ in reversed(one.points)]
    has_band = any(high > low for _, _, low, high in one.points)
    label = _cut(one.name, LONGEST)
    x, y, *_ = one.points[-1]
    return DrawnLine(
        one.name, label, one.color, line, " ".join(upper + lower) if has_band else "", (to_x(x), to_y(y)), label_y
    )


def _cut(name: str, most: int) -> str:
    return name if len(name) <= most else name[: max(1, most - 1)] + "…"


def spread(places: dict[str, float], top: float, bottom: float) -> dict[str, float]:
    """Return places of labels at least `LINE` apart, near the given ones. Labels that do not fit are left out."""
    kept = sorted(places, key=lambda name: places[name])[: int((bottom - top) // LINE) + 1]
    found: dict[str, float] = {}
    previous = top - LINE
    for number, name in enumerate(kept):
        lowest = bottom - LINE * (len(kept) - 1 - number)
        previous = min(max(places[name], previous + LINE), lowest)
        found[name] = round(previous, 1)
    return found
