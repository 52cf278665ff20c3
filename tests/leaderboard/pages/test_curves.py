import pytest
from archarena.harness.records.record import AttemptInfo, CurvePoint
from archarena.leaderboard.formats import ScoreFormat
from archarena.leaderboard.pages.curves import HEIGHT, LEFT, RIGHT, TOP, WIDTH, curve_panels

ACCURACY = ScoreFormat("accuracy", "fraction")


def points(line):
    return [tuple(map(float, pair.split(","))) for pair in line.points.split()]


def a_try(rate, *values):
    curve = [
        CurvePoint(step=10 * i, samples=i, seconds=i, train_loss=value, valid=value)
        for i, value in enumerate(values, 1)
    ]
    return AttemptInfo(learning_rate=rate, steps=10 * len(values), valid=None, curve=curve)


def test_a_panel_for_the_loss_and_one_for_the_score(make_record):
    loss, score = curve_panels(make_record(), ACCURACY)
    assert (loss.title, score.title) == ("training loss, nats", "validation accuracy, %")
    assert [line.name for line in loss.lines if line.chosen] == ["0.003"]
    assert loss.lines[-1].chosen, "the chosen line is drawn last, over the others"


def test_lines_stay_inside_the_frame_and_falling_loss_falls(make_record):
    for panel in curve_panels(make_record(), ACCURACY):
        for line in panel.lines:
            assert all(LEFT <= x <= WIDTH - RIGHT and TOP <= y <= HEIGHT for x, y in points(line))
    chosen = points(curve_panels(make_record(), ACCURACY)[0].lines[-1])
    assert [y for _, y in chosen] == sorted(y for _, y in chosen), "down is larger in an SVG"


def test_missing_points_are_left_out(make_record):
    record = make_record(attempts=[a_try(1e-3, 1.0, None, 3.0)])
    assert [len(points(line)) for panel in curve_panels(record, ACCURACY) for line in panel.lines] == [2, 2]


@pytest.mark.parametrize("values", [(2.0,), (2.0, 2.0), (0.0, 0.0)])
def test_one_point_or_a_flat_line_can_be_drawn(make_record, values):
    panel = curve_panels(make_record(attempts=[a_try(1e-3, *values)]), ACCURACY)[0]
    assert len(points(panel.lines[0])) == len(values)


def test_nothing_to_draw_gives_no_panel(make_record):
    assert curve_panels(make_record(status="crashed"), ACCURACY) == []
    assert curve_panels(make_record(attempts=[a_try(1e-3, None)]), ACCURACY) == []
