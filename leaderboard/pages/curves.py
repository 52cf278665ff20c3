"""Learning curves of one run as SVG coordinates: one panel for the loss, one for the validation score.

Altair is not used: in a batch of 20, one panel takes 50 ms of CPU time with vl-convert (40 ms with a cached
specification), and 0.2 ms here. A site has two panels per run.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ...harness.records.record import AttemptInfo, CurvePoint, Record
from ..charts.ticks import linear_scale, nice_ticks
from ..formats import ScoreFormat, quantity

WIDTH, HEIGHT = 460, 260
LEFT, RIGHT, TOP, BOTTOM = 62, 14, 14, 46


Tick = tuple[float, str]
"""A position on an axis, in SVG units, and its label."""


@dataclass(frozen=True)
class CurveLine:
    """The curve of one learning rate; `points` are the points of a polyline."""

    points: str
    name: str
    chosen: bool
    end: tuple[float, float]


@dataclass(frozen=True)
class CurvePanel:
    """One panel."""

    title: str
    lines: tuple[CurveLine, ...]
    x_ticks: tuple[Tick, ...]
    y_ticks: tuple[Tick, ...]

    @property
    def grid(self) -> str:
        """Return a path with a horizontal line at each tick of y."""
        return "".join(f"M{LEFT} {place}H{WIDTH - RIGHT}" for place, _ in self.y_ticks)

    @property
    def axis(self) -> str:
        """Return a path of the x axis with a mark at each tick."""
        foot = HEIGHT - BOTTOM
        return f"M{LEFT} {foot}H{WIDTH - RIGHT}" + "".join(f"M{place} {foot}v5" for place, _ in self.x_ticks)

    @property
    def frame(self) -> dict[str, int]:
        """Return the edges of the plotting area and the size of the SVG, in SVG units."""
        edges = {"left": LEFT, "right": WIDTH - RIGHT, "top": TOP, "bottom": HEIGHT - BOTTOM}
        return edges | {"width": WIDTH, "height": HEIGHT}


def curve_panels(record: Record, score: ScoreFormat) -> list[CurvePanel]:
    """Return the panels that have at least one line."""
    label = _four_digits if score.unit != "fraction" else lambda value: f"{100 * value:.3g}"
    panels = (
        _panel("training loss, nats", record, lambda point: point.train_loss, _four_digits),
        _panel(f"validation {score.label}", record, lambda point: point.valid, label),
    )
    return [panel for panel in panels if panel]


def _panel(
    title: str, record: Record, value: Callable[[CurvePoint], float | None], label: Callable[[float], str]
) -> CurvePanel | None:
    curves = [(attempt, _points(attempt, value)) for attempt in record.attempts]
    curves = [(attempt, points) for attempt, points in curves if points]
    if not curves:
        return None
    curves.sort(key=lambda curve: curve[0] == record.chosen)  # the chosen one is drawn on top
    values = [y for _, points in curves for _, y in points]
    xs = nice_ticks(0, max(x for _, points in curves for x, _ in points))
    ys = nice_ticks(min(values), max(values))
    to_x, to_y = linear_scale(xs, LEFT, WIDTH - RIGHT), linear_scale(ys, HEIGHT - BOTTOM, TOP)
    lines = tuple(_line(attempt, [(to_x(x), to_y(y)) for x, y in points], record) for attempt, points in curves)
    x_ticks, y_ticks = ((to_x(x), quantity(x)) for x in xs), ((to_y(y), label(y)) for y in ys)
    return CurvePanel(title, lines, tuple(x_ticks), tuple(y_ticks))


def _points(attempt: AttemptInfo, value: Callable[[CurvePoint], float | None]) -> list[tuple[float, float]]:
    return [(point.step, y) for point in attempt.curve if (y := value(point)) is not None]


def _line(attempt: AttemptInfo, points: Sequence[tuple[float, float]], record: Record) -> CurveLine:
    text = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    return CurveLine(text, f"{attempt.learning_rate:g}", attempt == record.chosen, points[-1])


def _four_digits(value: float) -> str:
    return f"{value:.4g}"
