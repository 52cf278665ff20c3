"""The benchmarks at tiny sizes."""

import json
import sys

import pytest
import torch
from archarena.harness.bench import ensemble, lengths, worker
from archarena.harness.bench.contest import OURS, contest
from archarena.harness.bench.kernels import bench_kernels
from archarena.harness.bench.lengths import bench_lengths, fitted_exponent
from archarena.harness.bench.report import contest_table, ensemble_table, kernel_table, length_table, write_report
from archarena.harness.bench.roofline import Roofline, measure
from archarena.harness.bench.timing import CpuClock, race
from archarena.harness.bench.workloads import load
from archarena.harness.contract.registry import discover
from archarena.harness.planning.tier import get_tier
from archarena.kernels.workload import Contestant
from rich.console import Console

CPU = torch.device("cpu")


def test_calls_take_turns_and_the_slow_one_is_called_less():
    order = []
    calls = {"quick": lambda _: order.append("q"), "slow": lambda _: order.append("s")}

    class Clock:
        def prepare(self, call, sets):
            return lambda: call(0) or {"q": 0.0, "s": 1.0}[order[-1]]

    timings = race(calls, Clock(), seconds=10, most=3)
    assert order == ["q", "s"] * 3
    assert (timings["quick"].seconds, timings["slow"].seconds) == (0.0, 1.0)


@pytest.mark.parametrize("kernel", ["depthwise_conv", "feature_gate"])
def test_a_kernel_gets_times_a_share_of_the_roofline_and_reasons(kernel, capsys):
    roofline = measure(CPU, (torch.float32,), CpuClock(), scale=1e-4)
    workload = load([kernel])[:1]
    [rows] = bench_kernels(workload, CPU, (torch.float32,), roofline, CpuClock(), scale="check", seconds=0.0)
    ours = [row for row in rows if row["contestant"] == "ours"]
    assert [row["pass"] for row in ours] == ["forward", "backward"]
    assert all(row["seconds"] > 0 and row["times_ours"] == 1 and row["floor_seconds"] > 0 for row in ours)
    kernel_table(Console(), rows)
    assert f"{kernel}: " in capsys.readouterr().out


def test_a_wrong_kernel_gets_no_time():
    workload = load(["feature_gate"])[0]
    wrong = changed(workload, ours=lambda entries, scores: entries * scores)
    roofline = measure(CPU, (torch.float32,), CpuClock(), scale=1e-4)
    [[row]] = bench_kernels([wrong], CPU, (torch.float32,), roofline, CpuClock(), scale="check")
    assert row["problem"].startswith("wrong: the relative error is")
    assert "seconds" not in row


def changed(workload, **others):
    return type(workload)(**{**vars(workload), **others})


def test_a_kernel_that_fails_costs_no_other_its_time_and_a_peer_says_how_it_failed():
    def fails(**_):
        raise AttributeError("no such symbol")

    first, second = load(["feature_gate"])
    workloads = [changed(first, ours=fails), changed(second, plain={"broken": Contestant(fails)})]
    roofline = measure(CPU, (torch.float32,), CpuClock(), scale=1e-4)
    [lost], timed = bench_kernels(workloads, CPU, (torch.float32,), roofline, CpuClock(), scale="check", seconds=0.0)
    assert (lost["contestant"], lost["problem"]) == ("ours", "failed: AttributeError: no such symbol.")
    assert {row["contestant"]: row["problem"] for row in timed if "problem" in row} == {
        "broken": "failed: AttributeError: no such symbol."
    }
    assert any(row.get("seconds", 0) > 0 for row in timed)


def test_what_was_timed_before_a_kill_is_in_the_report(monkeypatch, tmp_path):
    def killed_at_the_second(*_, **__):
        yield [{"kernel": "k", "case": "c", "sizes": {}, "dtype": "d", "contestant": "ours", "problem": "wrong"}]
        raise KeyboardInterrupt

    monkeypatch.setattr(worker, "measure", lambda *_: Roofline(1.0, {}))
    monkeypatch.setattr(worker, "bench_kernels", killed_at_the_second)
    with pytest.raises(KeyboardInterrupt):
        worker.run_kernels("cpu", str(tmp_path), [], 0.0)
    [path] = tmp_path.glob("bench-kernels-*.json")
    assert len(json.loads(path.read_text())["rows"]) == 1


@pytest.mark.parametrize(
    ("error", "ended"),
    [
        (torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB."), "out of memory at 256"),
        (RuntimeError("cuFFT error: CUFFT_ALLOC_FAILED"), "out of memory at 256"),
        (
            RuntimeError("CUDA error: an illegal memory access was encountered"),
            "failed at 256: RuntimeError: CUDA error: an illegal memory access was encountered",
        ),
        (KeyError("a"), "failed at 256: KeyError: 'a'"),
    ],
)
def test_a_sweep_that_breaks_off_says_why_and_the_next_one_begins(monkeypatch, error, ended):
    def point(cls, *_):
        if cls.__name__ == "Transformer":
            raise error
        return {"forward": 1.0, "backward": 1.0}

    monkeypatch.setattr(lengths, "time_length", point)
    only = ["transformer", "gateloop"]
    broken, whole = bench_lengths(discover(), CPU, CpuClock(), only=only, width=16, longest=256, seconds=0.0)
    assert (broken["points"], broken["ended"]) == ([], ended)
    assert whole["ended"] == "the longest length was reached"


def test_a_sweep_ends_at_the_longest_length_and_fits_an_exponent(capsys):
    registry = discover()
    rows = bench_lengths(registry, CPU, CpuClock(), only=["transformer", "mlp"], width=16, longest=512, seconds=0.0)
    sweep, other = rows
    assert [point["length"] for point in sweep["points"]] == [256, 512]
    assert sweep["ended"] == "the longest length was reached"
    assert "forward_exponent" in sweep
    assert other["problem"].startswith("It is not a sequence model")
    for row in (sweep, other):
        length_table(Console(), row)
    assert "exponent" in capsys.readouterr().out


def test_seeds_are_timed_together_and_alone(monkeypatch, capsys):
    monkeypatch.setattr(ensemble, "MEMBERS", (1, 2))
    images, clicks = ensemble.bench_ensemble(["fm"], get_tier("smoke"), seconds=0.0)
    for rows in (images, clicks):
        assert [row["members"] for row in rows] == [1, 2]
        assert all(row["ratio"] == row["seconds"] / row["separate_seconds"] > 0 for row in rows)
        ensemble_table(Console(), rows)
    assert "2 together" in capsys.readouterr().out


def test_the_exponent_of_a_power_law():
    assert fitted_exponent([256, 512, 1024], [3.0, 12.0, 48.0]) == pytest.approx(2.0)


def test_a_step_is_timed_in_a_process_and_an_absent_peer_is_told(capsys):
    sizes = {"vocabulary": 8, "width": 16, "layers": 1, "length": 8, "batch": 2}
    names = (OURS, "transformers")
    ours, peer = contest("step", "/no/such/python", seconds=0.0, names=names, sizes=sizes)
    assert ours["times_ours"] == 1
    assert ours["tokens_per_second"] == pytest.approx(16 / ours["seconds"])
    assert peer == {
        "contestant": "transformers",
        "problem": "/no/such/python cannot be run: No such file or directory.",
    }
    contest_table(Console(), "step", [ours, peer])
    assert "No such file" in capsys.readouterr().out


def test_an_epoch_is_trained_and_scored_by_the_harness_itself(capsys):
    sizes = {"train": 2_000, "valid": 500, "batch": 100}
    names = (OURS, "fuxictr")
    ours, peer = contest("epoch", sys.executable, seconds=0.0, names=names, sizes=sizes)
    assert ours["parameters"] == 253_392  # as BARS logged it
    assert ours["samples"] == 1
    assert ours["last_auc"] > 0.55
    assert "fuxictr" in peer["problem"]
    contest_table(Console(), "epoch", [ours, peer])
    assert "253,392" in capsys.readouterr().out


def test_a_report_holds_device_and_versions(tmp_path):
    path = write_report(tmp_path, "kernels", "cpu", {"rows": []})
    report = json.loads(path.read_text())
    assert path.name.startswith("bench-kernels-cpu-")
    assert report["environment"]["device"].startswith("cpu: ")
    assert "torch" in report["environment"]["packages"]
