from itertools import pairwise

from archarena.leaderboard.charts.lines import HEIGHT, LEFT, LETTER, LINE, RIGHT, WIDTH, Series, line_chart, spread
from hypothesis import given
from hypothesis import strategies as st


def places(line):
    return [tuple(map(float, pair.split(","))) for pair in line.points.split()]


def test_a_line_rises_to_the_right_and_its_band_follows_the_range():
    chart = line_chart("step", "steps", "score", [Series("m", "family-0", [(0, 1, 0, 2), (10, 3, 2, 4)])], str)
    (line,) = chart.lines
    (x0, y0), (x1, y1) = places(line)
    assert LEFT == x0 < x1 == WIDTH - RIGHT
    assert y0 > y1, "SVG counts from the top"
    assert len(line.band.split()) == 4


def test_a_logarithmic_chart_puts_equal_ratios_at_equal_distances():
    points = [(1, 1, 1, 1), (10, 100, 100, 100), (100, 10000, 10000, 10000), (0, 5, 5, 5)]
    (line,) = line_chart("", "", "", [Series("m", "", points)], str, log=True).lines
    (x0, y0), (x1, y1), (x2, y2) = places(line)
    assert abs((x1 - x0) - (x2 - x1)) < 0.2
    assert abs((y1 - y0) - (y2 - y1)) < 0.2


def test_names_of_an_axis_are_cut_to_fit():
    names = ["Counting & Probability"] * 7
    chart = line_chart("", "", "", [Series("m", "", [(i, i, i, i) for i in range(7)])], str, names)
    (x0, text), (x1, _) = chart.x_ticks[:2]
    assert LETTER * len(text) <= x1 - x0
    assert text.startswith("Counting")
    assert text.endswith("…")


def test_without_points_there_is_no_chart():
    assert line_chart("", "", "", [Series("m", "", [])], str) is None
    assert line_chart("", "", "", [Series("m", "", [(0, 0, 0, 0)])], str, log=True) is None


@given(st.dictionaries(st.text(min_size=1), st.floats(0, HEIGHT), max_size=40))
def test_labels_never_overlap_and_stay_inside(ends):
    found = sorted(spread(ends, 14, 276).values())
    assert all(b - a >= LINE - 0.11 for a, b in pairwise(found))
    assert all(0 <= place <= 276.1 for place in found)
