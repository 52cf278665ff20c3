"""The filters of TCNCA and MEGA at tiny lengths."""

import torch
from archarena.harness.bench import filters
from archarena.harness.bench.report import filter_tables
from archarena.harness.bench.timing import CpuClock
from rich.console import Console


def test_the_forms_agree_and_every_ratio_is_to_tcnca(monkeypatch, capsys):
    monkeypatch.setattr(filters, "CHANNELS", 8)
    monkeypatch.setattr(filters, "STATES", 2)
    rows = list(filters.bench_filters(torch.device("cpu"), CpuClock(), lengths=(64, 128), seconds=0.0))
    assert [row["length"] for row in rows] == [64, 128]
    for row in rows:
        for direction in ("forward", "backward"):
            for name, seconds in row[direction].items():
                assert row[f"{direction}_by_tcnca"][name] == seconds / row[direction][filters.TCNCA]
    filter_tables(Console(), rows)
    printed = " ".join(capsys.readouterr().out.split())
    assert "up to 7.07. Here" in printed
    assert "plain recurrence takes" in printed
