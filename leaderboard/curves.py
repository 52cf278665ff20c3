"""Learning curves as the coordinates of an SVG: one panel for the loss, one for the score."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from ..harness.records.record import CurvePoint, Record, Try
from .formats import ScoreFormat, quantity

WIDTH, HEIGHT = 460, 260
LEFT, RIGHT, TOP, BOTTOM = 62, 14, 14, 46


@dataclass(frozen=True)
class Tick:
    """A labelled place on an axis, in the SVG's units."""

    place: float
    label: str


@dataclass(frozen=True)
class Line:
    """One learning rate; `points` is what a polyline takes."""

    points: str
    name: str
    chosen: bool
    end: tuple[float, float]


@dataclass(frozen=True)
class Panel:
    """One chart."""

    title: str
    lines: tuple[Line, ...]
    x_ticks: tuple[Tick, ...]
    y_ticks: tuple[Tick, ...]

    @property
    def grid(self) -> str:
        """Return a path with a line across the plotting area at each tick of y."""
        return "".join(f"M{LEFT} {tick.place}H{WIDTH - RIGHT}" for tick in self.y_ticks)

    @property
    def axis(self) -> str:
        """Return a path along the foot of the plotting area, with a mark at each tick of x."""
        foot = HEIGHT - BOTTOM
        return f"M{LEFT} {foot}H{WIDTH - RIGHT}" + "".join(f"M{tick.place} {foot}v5" for tick in self.x_ticks)

    @property
    def frame(self) -> dict[str, int]:
        """Return the place of the plotting area, in the SVG's units."""
        return {"left": LEFT, "right": WIDTH - RIGHT, "top": TOP, "bottom": HEIGHT - BOTTOM} | {
            "width": WIDTH,
            "height": HEIGHT,
        }


def curve_panels(record: Record, score: ScoreFormat) -> list[Panel]:
    """Return the panels that have at least one line."""
    axis = _readable if score.unit != "fraction" else lambda value: f"{100 * value:.3g}"
    panels = [
        _panel("training loss, nats", record, lambda point: point.train_loss, _readable),
        _panel(f"validation {score.label}", record, lambda point: point.valid, axis),
    ]
    return [panel for panel in panels if panel.lines]


def _panel(
    title: str, record: Record, value: Callable[[CurvePoint], float | None], label: Callable[[float], str]
) -> Panel:
    curves = [(attempt, _points(attempt, value)) for attempt in record.tries]
    curves = sorted(
        ((a, points) for a, points in curves if points), key=lambda c: c[0].learning_rate == record.learning_rate
    )
    if not curves:
        return Panel(title, (), (), ())
    xs = nice_ticks(0, max(x for _, points in curves for x, _ in points))
    ys = nice_ticks(*_extent(y for _, points in curves for _, y in points))
    to_x, to_y = _scale(xs, LEFT, WIDTH - RIGHT), _scale(ys, HEIGHT - BOTTOM, TOP)
    lines = tuple(_line(a, [(to_x(x), to_y(y)) for x, y in points], record) for a, points in curves)
    return Panel(
        title, lines, tuple(Tick(to_x(x), quantity(x)) for x in xs), tuple(Tick(to_y(y), label(y)) for y in ys)
    )


def _points(attempt: Try, value: Callable[[CurvePoint], float | None]) -> list[tuple[float, float]]:
    return [(point.step, y) for point in attempt.curve if (y := value(point)) is not None]


def _line(attempt: Try, points: Sequence[tuple[float, float]], record: Record) -> Line:
    text = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    return Line(text, f"{attempt.learning_rate:g}", attempt.learning_rate == record.learning_rate, points[-1])


def _extent(values: Iterable[float]) -> tuple[float, float]:
    known = list(values)
    return min(known), max(known)


def nice_ticks(low: float, high: float, count: int = 5) -> list[float]:
    """Return about `count` round numbers whose first and last enclose the range."""
    if high - low <= 1e-9 * max(abs(low), abs(high), 1.0):
        margin = max(abs(low) * 0.1, 0.01)
        low, high = low - margin, high + margin
    raw = (high - low) / (count - 1)
    power = 10.0 ** math.floor(math.log10(raw))
    step = next(factor * power for factor in (1, 2, 2.5, 5, 10) if factor * power >= raw * (1 - 1e-9))
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    return [round(index * step, 12) for index in range(first, last + 1)]


def _scale(ticks: Sequence[float], start: float, end: float) -> Callable[[float], float]:
    span = ticks[-1] - ticks[0]
    return lambda value: round(start + (end - start) * (value - ticks[0]) / span, 2)


def _readable(value: float) -> str:
    return f"{value:.4g}"
