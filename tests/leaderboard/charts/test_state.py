"""Recall against the size of the state."""

import pytest
from archarena.leaderboard.charts.drawing import draw
from archarena.leaderboard.charts.state import state_chart
from archarena.leaderboard.pages.site import make_site
from archarena.leaderboard.read.results import read_results

STATES = {"mamba": 24_320, "transformer": 262_144, "mlp": None}


@pytest.fixture
def rows(results, make_record):
    """Return a function that creates score rows of three models, one of them without a state."""

    def rows(task="recall-mqar", states=STATES):
        records = [make_record(variant, task, seed, 0.9 - 0.1 * seed) for variant in states for seed in range(2)]
        for record in records:
            record.cost.state_bytes = states[record.cell.variant]
        return make_site(read_results([results(*records)])).scores

    return rows


def test_a_point_a_variant_in_per_cent_by_bytes(rows):
    chart = state_chart("states", rows(), {"other": "family-0"})
    points = {point["variant"]: point for point in chart.rows["points"]}
    assert {name: point["state"] for name, point in points.items()} == {"mamba": 24_320, "transformer": 262_144}
    assert points["mamba"]["score"] == pytest.approx(85)
    svg = draw(chart, "index.html").svg
    assert all(f">{name}</text>" in svg for name in ("mamba", "transformer", "recall-mqar, %"))


def test_only_recall_is_shown_and_only_where_states_differ(rows):
    assert state_chart("states", rows("lra-listops"), {}) is None
    assert state_chart("states", rows(states={"mamba": 8, "s4d": 8}), {}) is None
