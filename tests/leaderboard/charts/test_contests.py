"""Charts of contests, from reports as the benchmarks write them."""

import pytest
from archarena.harness.bench.report import write_report
from archarena.leaderboard.charts.drawing import draw
from archarena.leaderboard.charts.speed import speed_charts
from archarena.leaderboard.read.bench_reports import read_bench_reports

STEP = [
    {"contestant": "archarena", "seconds": 0.1, "times_ours": 1.0},
    {"contestant": "mambapy", "seconds": 0.8, "times_ours": 8.0},
    {"contestant": "transformers", "problem": "transformers is not installed."},
]


def kernel(contestant, times, dtype="torch.float32"):
    return {
        "kernel": "ema", "case": "real", "pass": "forward", "dtype": dtype, "contestant": contestant,
        "seconds": 0.1 * times, "times_ours": times, "flops_per_second": 1e9, "bytes_per_second": 1e9,
        "floor_seconds": 0.01,
    }  # fmt: skip


def charts(folder, what, body):
    write_report(folder / "bench", what, "cpu", body)
    return {chart.title: chart for chart in speed_charts(read_bench_reports([folder]))}


def test_a_step_names_each_contestant_that_was_timed_with_its_ratio(tmp_path):
    chart = charts(tmp_path, "step", {"rows": STEP})["Training step of a small mamba language model"]
    assert [(point["contestant"], point["ratio"]) for point in chart.rows["points"]] == [
        ("archarena", "1"),
        ("mambapy", "8"),
    ]
    svg = draw(chart, "speed.html").svg
    assert ">mambapy</text>" in svg
    assert ">transformers</text>" not in svg


@pytest.mark.parametrize(("dtypes", "shown"), [(1, {"ema: real"}), (2, {"ema: real, float32", "ema: real, bfloat16"})])
def test_other_forms_of_a_kernel_lie_by_their_ratio(tmp_path, dtypes, shown):
    names = ("torch.float32", "torch.bfloat16")[:dtypes]
    rows = [
        kernel(form, times, dtype) for dtype in names for form, times in (("ours", 1), ("reference", 90), ("fla", 3))
    ]
    roofline = {"flops_per_second": dict.fromkeys(names, 1e11), "bytes_per_second": 1e9}
    chart = charts(tmp_path, "kernels", {"rows": rows, "roofline": roofline})["Kernels against other implementations"]
    assert {(point["operation"], point["form"], point["times"]) for point in chart.rows["points"]} == {
        (name, "fla", 3) for name in shown
    }
    svg = draw(chart, "speed.html").svg
    assert all(f">{name}</text>" in svg for name in shown)


def test_a_kernel_without_arithmetic_has_no_place_under_the_roofline(tmp_path):
    rows = [kernel("ours", 1), kernel("ours", 1) | {"kernel": "field_embedding", "flops_per_second": 0.0}]
    roofline = {"flops_per_second": {"torch.float32": 1e11}, "bytes_per_second": 1e9}
    chart = charts(tmp_path, "kernels", {"rows": rows, "roofline": roofline})["Kernels under the roofline"]
    assert {point["kernel"] for point in chart.rows["points"]} == {"ema", "roof"}


def test_the_filters_say_what_the_published_figures_compare(tmp_path):
    ratios = {"tcnca": 1.0, "official": 9.0, "FFT alone": 2.0, "recurrence": 0.5}
    row = {"length": 1024} | dict.fromkeys(("forward", "backward"), ratios)
    row |= {f"{direction}_by_tcnca": ratios for direction in ("forward", "backward")}
    rows = [row, row | {"length": 2048, "forward_by_tcnca": ratios | {"official": 20.0, "recurrence": 0.25}}]
    published = {"forward": 7.07, "backward": 2.86}
    chart = charts(tmp_path, "filters", {"rows": rows, "published": published})["Filters against sequence length"]
    assert "up to 7.07 times as long as tcnca. Here it takes up to 20 times as long, at length 2,048" in chart.note
    assert "the plain recurrence takes 0.25 times as long" in chart.note
    assert {point["label"] for point in chart.rows["points"] if point["label"]} == set(ratios)
    assert ">official</text>" in draw(chart, "speed.html").svg
