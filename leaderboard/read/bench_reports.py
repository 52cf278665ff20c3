"""The reports of ``archarena bench`` in results folders."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ...harness.records.bench_report import BenchReport


def read_bench_reports(folders: Sequence[Path]) -> tuple[BenchReport, ...]:
    """Return the newest report per bench and device.

    Raises
    ------
    UserError
        If a report cannot be read.
    """
    found = [BenchReport.read(path) for folder in folders for path in sorted((folder / "bench").glob("bench-*.json"))]
    newest = {(report.bench, report.device): report for report in sorted(found, key=lambda report: report.made)}
    return tuple(newest[key] for key in sorted(newest))
