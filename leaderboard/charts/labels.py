"""Placement of labels next to marks: labels never overlap, and a label without room is left out.

Positions are computed as Vega does, with scales that do not round and that keep `PADDING` pixels from the edges.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import altair as alt

from .drawing import named

Point = Mapping[str, Any]
Box = tuple[float, float, float, float]
"""Left, top, right and bottom, in pixels."""
ChartT = TypeVar("ChartT", bound=alt.Chart)

PADDING = 14
LETTER, LINE, LONGEST = 7, 12, 110
"""Width of a letter, height of a line and maximum width of a label, in pixels; longer labels are cut."""
DOT = 4
SIDES = ((6, -6), (-6, -6), (6, 7), (-6, 7), (7, 0), (-7, 0), (0, -11), (0, 12))
"""Offsets of a label from the center of its mark, in order of preference."""
NO_LABEL = {"label": "", "dx": 0, "dy": 0}


@dataclass(frozen=True)
class PlotArea:
    """Plotting area of one panel: its size in pixels, and the fields and scales of its axes."""

    width: int
    height: int
    x: str
    y: str
    log_x: bool = True
    log_y: bool = False

    def scales(self) -> tuple[alt.Scale, alt.Scale]:
        """Return the scales of x and y that `places` assumes."""
        return _scale(self.log_x), _scale(self.log_y)

    def places(self, points: Sequence[Point]) -> list[tuple[float, float]]:
        """Return the position of each point, from the top left in pixels."""
        xs = _places([point[self.x] for point in points], self.width, self.log_x)
        ys = _places([point[self.y] for point in points], self.height, self.log_y)
        return [(x, self.height - y) for x, y in zip(xs, ys, strict=True)]


def _scale(log: bool) -> alt.Scale:
    return alt.Scale(type="log", nice=False, padding=PADDING) if log else alt.Scale(
        zero=False, nice=False, padding=PADDING
    )  # fmt: skip


def _places(values: Sequence[float], length: int, log: bool) -> list[float]:
    if not values:
        return []
    shown = [math.log(max(value, 1e-12)) for value in values] if log else list(values)
    low, span = min(shown), max(shown) - min(shown)
    return [PADDING + (value - low) / span * (length - 2 * PADDING) if span else length / 2 for value in shown]


def label_points(points: Sequence[Point], area: PlotArea) -> list[dict[str, Any]]:
    """Return the points of one panel with their variants as labels. Earlier points are labeled first."""
    places = area.places(points)
    taken: list[Box] = [(x - DOT, y - DOT, x + DOT, y + DOT) for x, y in places]
    found = []
    for index, (point, place) in enumerate(zip(points, places, strict=True)):
        others = taken[:index] + taken[index + 1 :]
        width = min(LETTER * len(point["variant"]), LONGEST)
        label = NO_LABEL
        for dx, dy in SIDES:
            box = _box(place, dx, dy, width)
            if _is_inside(box, area) and not any(_overlap(box, other) for other in others):
                taken.append(box)
                label = {"label": point["variant"], "dx": dx, "dy": dy}
                break
        found.append({**point, **label})
    return found


def _box(place: tuple[float, float], dx: float, dy: float, width: float) -> Box:
    left = place[0] + dx - (width if dx < 0 else 0 if dx else width / 2)
    return left, place[1] + dy - LINE / 2, left + width, place[1] + dy + LINE / 2


def _is_inside(box: Box, area: PlotArea) -> bool:
    return box[0] >= 0 and box[1] >= -LINE and box[2] <= area.width + LINE and box[3] <= area.height


def _overlap(one: Box, other: Box) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]


def label_curves(curves: Sequence[Sequence[Point]], area: PlotArea) -> Iterator[dict[str, Any]]:
    """Yield the points of the curves of one panel, with variants as labels to the right of the area.

    Only curves of seed 0 are labeled, as close to their ends as possible.
    """
    points = [point for curve in curves for point in curve]
    ends = {id(curve[-1]) for curve in curves if curve and curve[-1]["seed"] == 0}
    heights = {id(point): y for point, (_, y) in zip(points, area.places(points), strict=True) if id(point) in ends}
    shifts = _spread(heights, area.height)
    for point in points:
        shift = shifts.get(id(point))
        yield {**point, **(NO_LABEL if shift is None else {"label": point["variant"], "dx": 6, "dy": shift})}


def _spread(heights: Mapping[int, float], length: int) -> dict[int, float]:
    """Return the vertical shift of each label, so that none overlap. Labels that do not fit are left out."""
    fitting = sorted(heights, key=lambda end: heights[end])[: length // LINE]
    lowest = length - LINE * len(fitting) + LINE / 2
    place, shifts = -math.inf, {}
    for number, end in enumerate(fitting):
        place = min(max(heights[end], place + LINE), lowest + LINE * number)
        shifts[end] = round(place - heights[end], 1)
    return shifts


def labels(base: ChartT, **options: Any) -> ChartT:
    """Return the layer of labels for points from `label_points` or `label_curves`."""
    align = alt.expr("datum.dx < 0 ? 'right' : datum.dx > 0 ? 'left' : 'center'")
    dx, dy = alt.expr("datum.dx"), alt.expr("datum.dy")
    shown = base.transform_filter("datum.label !== ''")
    return shown.mark_text(align=align, limit=LONGEST, dx=dx, dy=dy).encode(text="label:N", **options)


def panels(area: PlotArea, *layers: alt.Chart, facet: alt.Facet, **options: Any) -> alt.FacetChart:
    """Return the layers as one panel per value of `facet`, each with its own scales."""
    body = alt.layer(*layers, data=named("points")).properties(width=area.width, height=area.height)
    return body.facet(facet, **options).resolve_scale(x="independent", y="independent")
