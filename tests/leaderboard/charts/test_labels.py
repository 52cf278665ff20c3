"""Labels next to marks: where Vega draws the marks, and that labels do not overlap."""

import re
from itertools import combinations, pairwise

import altair as alt
import pytest
from archarena.leaderboard.charts.drawing import Chart, draw, named, specification
from archarena.leaderboard.charts.labels import LETTER, LINE, PlotArea, label_curves, label_points, labels
from hypothesis import given
from hypothesis import strategies as st

PANEL = PlotArea(200, 140, x="x", y="y")
places = st.lists(st.tuples(st.floats(0.1, 1e6), st.floats(-100, 100)), max_size=12)


def points(pairs):
    return [{"variant": f"model-{i}", "x": x, "y": y} for i, (x, y) in enumerate(pairs)]


def boxes(found):
    """Return the positions of the labels: left, right and middle, in pixels."""
    for point, (x, y) in zip(found, PANEL.places(found), strict=True):
        if point["label"]:
            width = LETTER * len(point["label"])
            left = x + point["dx"] - (width if point["dx"] < 0 else 0 if point["dx"] else width / 2)
            yield left, left + width, y + point["dy"]


@pytest.mark.parametrize("panel", [PANEL, PlotArea(200, 140, x="x", y="y", log_x=False, log_y=True)])
def test_marks_are_drawn_where_the_labels_are_told_they_are(panel):
    rows = [{"x": x, "y": y, "label": "", "dx": 0, "dy": 0} for x, y in [(1, 10), (30, 55), (7, 90)]]
    x, y = panel.scales()
    base = alt.Chart().encode(x=alt.X("x:Q", scale=x), y=alt.Y("y:Q", scale=y))
    body = alt.layer(base.mark_point(), labels(base), data=named("points"))
    spec = specification(body.properties(width=panel.width, height=panel.height))
    svg = draw(Chart("c", "", "", spec, {"points": rows}), "p").svg
    marks = re.search(r'<g class="mark-symbol role-mark layer_0_marks".*?</g>', str(svg), re.DOTALL)
    drawn = [tuple(map(float, found)) for found in re.findall(r"translate\(([\d.]+),([\d.]+)\)", marks[0])]
    assert drawn == [pytest.approx(place, abs=0.01) for place in panel.places(rows)]


@given(places)
def test_no_name_covers_another(pairs):
    for one, other in combinations(boxes(label_points(points(pairs), PANEL)), 2):
        assert one[1] <= other[0] or other[1] <= one[0] or abs(one[2] - other[2]) >= LINE


def test_where_there_is_room_every_point_has_its_name():
    found = label_points(points([(1, 0), (10, 50), (100, 100)]), PANEL)
    assert [point["label"] for point in found] == ["model-0", "model-1", "model-2"]


def test_where_there_is_none_the_first_points_are_named():
    found = label_points(points([(1, 1)] * 9 + [(1000, 90)]), PANEL)
    assert found[-1]["label"] == "model-9"
    assert sum(bool(point["label"]) for point in found) < 10


@given(st.lists(st.integers(-100, 100), min_size=1, max_size=20))
def test_ends_of_curves_are_named_on_lines_of_their_own_in_their_order(ends):
    curves = [
        [{"variant": f"m{i}", "seed": 0, "x": x, "y": y} for x, y in ((1, 0), (2, end))] for i, end in enumerate(ends)
    ]
    found = [point for point in label_curves(curves, PANEL) if point["label"]]
    heights = PANEL.places([point for curve in curves for point in curve])
    placed = {f"m{i}": heights[2 * i + 1][1] for i in range(len(ends))}
    lines = sorted((placed[point["variant"]] + point["dy"], -point["y"]) for point in found)
    assert len(found) == min(len(ends), PANEL.height // LINE)
    assert all(low + LINE - 0.2 <= high for (low, _), (high, _) in pairwise(lines))
    assert [value for _, value in lines] == sorted(value for _, value in lines)
    assert lines[0][0] >= 0
    assert lines[-1][0] <= PANEL.height


def test_curves_of_later_seeds_have_no_name():
    curve = [{"variant": "m", "seed": 1, "x": 1, "y": 0}]
    assert [point["label"] for point in label_curves([curve, []], PANEL)] == [""]
