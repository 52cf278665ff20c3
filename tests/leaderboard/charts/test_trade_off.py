"""Quality against training time, from single runs."""

import pytest
from archarena.harness.records.record import CurvePoint, TradeOff
from archarena.leaderboard.charts.drawing import draw
from archarena.leaderboard.charts.trade_off import trade_off_chart

FAMILIES, COLOURS = {"mamba": "recurrence", "mlp": "baseline"}, {"recurrence": "family-0", "baseline": "family-1"}


def trade_off(metric="accuracy", noise_floor=0.007, values=(0.2, 0.5, None, 0.8)):
    """Return a curve with one point per cycle; each cycle is twice as long as the last."""
    points = [
        CurvePoint(step=16 * 2**n, samples=512 * 2**n, seconds=3.0 * 2**n, train_loss=1.0, valid=value)
        for n, value in enumerate(values)
    ]
    return TradeOff(metric=metric, points=points, noise_floor=noise_floor)


def test_a_line_a_run_a_point_a_cycle_in_per_cent(make_record):
    cells = [("mamba", 0), ("mamba", 1), ("mlp", 0)]
    records = [make_record(variant, "digits", seed, trade_off=trade_off()) for variant, seed in cells]
    chart = trade_off_chart("trade-off", records, FAMILIES, COLOURS)
    points = chart.rows["points"]
    assert len({point["run"] for point in points}) == 3
    assert [(point["seconds"], point["valid"]) for point in points[:3]] == [(3.0, 20.0), (6.0, 50.0), (24.0, 80.0)]
    assert sorted(point["label"] for point in points if point["label"]) == ["mamba", "mlp"], "first seeds are named"
    assert "within 0.7 points" in chart.note
    svg = draw(chart, "index.html").svg
    assert all(f">{name}</text>" in svg for name in ("mamba", "mlp", "digits, accuracy, %"))


def test_a_score_that_is_no_fraction_keeps_its_unit_and_has_no_noise_floor(make_record):
    curve = trade_off("bits_per_byte", None, (4.0, 3.0))
    chart = trade_off_chart("trade-off", [make_record("mlp", "math", trade_off=curve)], FAMILIES, COLOURS)
    assert [point["valid"] for point in chart.rows["points"]] == [4.0, 3.0]
    assert chart.rows["points"][0]["panel"] == "math, bits per byte"
    assert "not to be trusted" not in chart.note


@pytest.mark.parametrize("curve", [None, trade_off(values=(None,))])
def test_without_a_point_there_is_no_chart(make_record, curve):
    assert trade_off_chart("trade-off", [make_record("mlp", trade_off=curve)], FAMILIES, COLOURS) is None
