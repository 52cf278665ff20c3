from archarena.leaderboard.charts.ticks import log_ticks, nice_ticks
from hypothesis import given
from hypothesis import strategies as st


@given(st.floats(-1e6, 1e6), st.floats(-1e6, 1e6))
def test_ticks_enclose_the_range_and_rise(a, b):
    low, high = sorted((a, b))
    ticks = nice_ticks(low, high)
    slack = 1e-6 * max(1, abs(low), abs(high))
    assert ticks[0] <= low + slack
    assert ticks[-1] >= high - slack
    assert ticks == sorted(set(ticks))
    assert 2 <= len(ticks) <= 8


def test_ticks_are_round():
    assert nice_ticks(0, 700) == [0, 200, 400, 600, 800]
    assert nice_ticks(0.0, 1.0) == [0, 0.25, 0.5, 0.75, 1.0]


@given(st.floats(1e-6, 1e6), st.floats(1e-6, 1e6))
def test_logarithmic_ticks_are_inside_the_range(a, b):
    low, high = sorted((a, b))
    ticks = log_ticks(low, high)
    assert ticks == sorted(set(ticks))
    assert all(low <= tick <= high for tick in ticks)
