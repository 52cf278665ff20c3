"""Speed charts, from reports as the benchmarks write them."""

import json

import pytest
import torch
from archarena.harness.bench.kernels import bench_kernels
from archarena.harness.bench.lengths import bench_lengths
from archarena.harness.bench.report import write_report
from archarena.harness.bench.roofline import Roofline
from archarena.harness.bench.timing import CpuClock
from archarena.harness.bench.workloads import load
from archarena.harness.contract.registry import discover
from archarena.leaderboard.charts.drawing import draw
from archarena.leaderboard.charts.speed import speed_charts
from archarena.leaderboard.read.bench_reports import read_bench_reports

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    """Return a results folder with a report of kernels and one of lengths."""
    folder = tmp_path_factory.mktemp("speed")
    options = {"width": 16, "longest": 512, "seconds": 0.0}
    sweep = list(bench_lengths(discover(), CPU, CpuClock(), only=["transformer", "mlp"], **options))
    roofline = Roofline(flops_per_second={"torch.float32": 1e11}, bytes_per_second=1e9)
    kernels = bench_kernels(load(["depthwise_conv"]), CPU, (torch.float32,), roofline, CpuClock(), scale="check",
                            seconds=0.0)  # fmt: skip
    write_report(folder / "bench", "lengths", "cpu", {"rows": sweep})
    body = {"rows": [row for rows in kernels for row in rows], "roofline": vars(roofline)}
    write_report(folder / "bench", "kernels", "cpu", body)
    return folder


@pytest.fixture(scope="module")
def charts(results):
    return {chart.title: chart for chart in speed_charts(read_bench_reports([results]))}


def test_time_by_length_names_each_model_with_its_exponent(charts):
    chart = charts["Time against sequence length"]
    points = chart.rows["points"]
    assert {(point["model"], point["direction"], point["length"]) for point in points} == {
        ("transformer", direction, length) for direction in ("forward", "backward") for length in (256, 512)
    }
    labels = [point["label"] for point in points if point["label"]]
    assert len(labels) == 2
    assert all(point["label"] in ("", f"{point['model']} {point['exponent']:.2f}") for point in points)
    svg = draw(chart, "speed.html").svg
    assert all(f">{label}</text>" in svg for label in labels)


def test_kernels_lie_under_their_roofline(charts):
    chart = charts["Kernels under the roofline"]
    points = chart.rows["points"]
    kernels = [point for point in points if point["kernel"] == "depthwise_conv"]
    assert {point["pass"] for point in kernels} == {"forward", "backward"}
    assert all(point["rate"] > 0 and point["intensity"] > 0 for point in kernels)
    roof = sorted((point["intensity"], point["rate"]) for point in points if point["kernel"] == "roof")
    assert roof[1:] == [(100, 100), (200, 100)], "it is flat behind the ridge"
    assert roof[0] == (pytest.approx(min(point["intensity"] for point in kernels) / 2),) * 2, "and rises before it"
    assert "depthwise_conv" in draw(chart, "speed.html").svg


def test_a_model_without_points_is_left_out(tmp_path):
    write_report(tmp_path / "bench", "lengths", "cpu", {"rows": [{"model": "mlp", "problem": "It takes fields."}]})
    assert list(speed_charts(read_bench_reports([tmp_path]))) == []


def test_of_two_reports_on_one_device_the_newer_is_shown(results, tmp_path):
    (path,) = (results / "bench").glob("bench-lengths-*.json")
    older = json.loads(path.read_text()) | {"made": "2020-01-01T00:00:00+00:00", "rows": []}
    (tmp_path / "bench").mkdir()
    (tmp_path / "bench" / path.name).write_text(json.dumps(older))
    assert [len(bench.rows) > 0 for bench in read_bench_reports([results, tmp_path])] == [True, True]


@pytest.mark.parametrize("text", ["no json", '{"bench": "lengths", "schema": 99}', '{"rows": []}', "[" * 10**5])
def test_a_report_that_cannot_be_read_is_left_out_with_one_line(results, tmp_path, capsys, text):
    path = tmp_path / "bench" / "bench-lengths-x.json"
    path.parent.mkdir()
    path.write_text(text)
    assert len(read_bench_reports([tmp_path, results])) == 2
    assert "bench-lengths-x.json" in capsys.readouterr().err


@pytest.mark.parametrize("row", [{}, {"model": "mlp", "points": 3}, {"model": "mlp", "points": [{"length": 0}]}])
def test_a_report_with_odd_rows_gives_no_chart_and_one_line(results, tmp_path, capsys, row):
    write_report(tmp_path / "bench", "lengths", "cpu", {"rows": [row]})
    assert len(list(speed_charts(read_bench_reports([tmp_path])))) == 0
    assert "odd rows" in capsys.readouterr().err or not row.get("points")
