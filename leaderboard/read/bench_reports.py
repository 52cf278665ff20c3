"""The reports of ``archarena bench`` in results folders."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ...harness.errors import UserError
from ...harness.records.bench_report import BenchReport
from ...harness.records.left_out import say_left_out


def read_bench_reports(folders: Sequence[Path]) -> tuple[BenchReport, ...]:
    """Return the newest report per bench and device; print one line per report that cannot be read."""
    found = [report for folder in folders for path in report_files(folder) for report in _read(path)]
    newest = {(report.bench, report.device): report for report in sorted(found, key=lambda report: report.made)}
    return tuple(newest[key] for key in sorted(newest))


def report_files(folder: Path) -> list[Path]:
    """Return the files of the reports in a results folder."""
    return sorted((folder / "bench").glob("bench-*.json"))


def _read(path: Path) -> list[BenchReport]:
    try:
        return [BenchReport.read(path)]
    except UserError as error:
        say_left_out(str(error))
        return []
